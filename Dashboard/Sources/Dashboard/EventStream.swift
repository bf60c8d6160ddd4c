import Foundation
import Hummingbird
import Lab
import ServiceLifecycle

/// A message to a page: a kind, and fields for its script.
struct ServerEvent: Sendable {
  let name: String
  let data: String

  /// - Throws: `EncodingError`.
  init(_ name: String, _ fields: [String: JSONValue]) throws {
    self.name = name
    data = try jsonText(JSONValue.object(fields))
  }

  /// The event as the protocol of server-sent events wants it. JSON of one line has no end of line in it.
  var text: String { "event: \(name)\ndata: \(data)\n\n" }
}

/// What a page is told, step by step.
protocol Feed: Sendable {
  /// What is new since the last call; all there is at the first.
  mutating func next() throws -> [ServerEvent]

  /// Whether nothing more will come.
  var isOver: Bool { get }
}

/// Server-sent events of a feed, until it's over, the page is left, or the server stops.
enum EventStream {
  /// Between two looks at the store.
  private static let interval = Duration.milliseconds(500)
  /// Steps after which something is sent all the same, so that a page that was left is noticed.
  private static let keepAlive = 20

  static func response(_ feed: some Feed) -> Response {
    let body = ResponseBody { writer in
      var feed = feed
      var silent = 0
      do {
        // Browsers wait two seconds before they come again.
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        while !feed.isOver {
          let (after, events) = try await step(feed)
          feed = after
          silent = events.isEmpty ? silent + 1 : 0
          if !events.isEmpty {
            try await writer.write(ByteBuffer(string: events.map(\.text).joined()))
          } else if silent % keepAlive == 0 {
            try await writer.write(ByteBuffer(string: ": still here\n\n"))
          }
          try await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
        }
      } catch is CancellationError {
        // The server stops.
      } catch let error as UsageError {
        let problem = try ServerEvent("problem", ["text": .string(error.description)])
        try await writer.write(ByteBuffer(string: problem.text))
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: [.contentType: "text/event-stream"], body: body)
  }

  private static func step<F: Feed>(_ feed: F) async throws -> (F, [ServerEvent]) {
    try await Site.offload {
      var feed = feed
      let events = try feed.next()
      return (feed, events)
    }
  }
}
