import Foundation
import Testing

@testable import Dashboard
@testable import Lab

@Suite struct FeedTests {
  /// A run that a process, this one, works on.
  private func running(_ place: Place, _ id: String = "counting-1") throws -> RunFolder {
    let held = try RunFolder(place.store.folder(of: id))
    try place.add(id, state: .running)
    return held
  }

  private func fields(_ event: ServerEvent?) throws -> [String: JSONValue] {
    let event = try #require(event)
    guard case .object(let fields) = try JSONDecoder().decode(JSONValue.self, from: Data(event.data.utf8)) else {
      throw UsageError("not an object")
    }
    return fields
  }

  private func names(_ events: [ServerEvent]) -> [String] { events.map(\.name) }

  @Test func aChartIsDrawnOnceAndThenGrows() throws {
    let place = try Place()
    let held = try running(place)
    try place.log(held.id, series: "a", [(1, 1), (2, 2)])
    var feed = RunFeed(page: RunPage(site: place.site), run: held.id)
    let first = try feed.next()
    #expect(names(first) == ["chart", "latest", "facts", "action"])
    let chart = try fields(first.first)
    #expect(chart["metric"] == "loss" && chart["place"] == 0)
    #expect("\(chart)".count(of: "\"lines-0\"") == 1)
    #expect(try feed.next().isEmpty)

    try place.log(held.id, series: "a", [(3, 3), (4, .nan)])
    let second = try feed.next()
    #expect(names(second) == ["points", "latest"])
    #expect(
      try fields(second.first)["points"] == [["series": "a", "x": 3, "y": 3, "low": 3, "high": 3]])
    // A series of its own needs a colour and a name in the legend; another metric a chart.
    try place.log(held.id, series: "b", [(1, 5)])
    #expect(names(try feed.next()) == ["chart", "latest"])
    try place.log(held.id, metric: "accuracy", [(1, 5)])
    let third = try feed.next()
    #expect(names(third) == ["chart", "latest"])
    #expect(try fields(third.first)["metric"] == "accuracy" && fields(third.first)["place"] == 0)
    withExtendedLifetime(held) {}
  }

  @Test func manyPointsAreThinnedAndDrawnAnew() throws {
    let place = try Place()
    let held = try running(place)
    try place.log(held.id, (1...10_000).map { ($0, Double($0)) })
    var feed = RunFeed(page: RunPage(site: place.site), run: held.id)
    let first = try #require(try feed.next().first { $0.name == "chart" })
    #expect((900...1_200).contains(first.data.count(of: "\"series\":\"loss\"")))
    #expect(first.data.contains("\"x\":10000"))
    try place.log(held.id, (10_001...13_000).map { ($0, 1) })
    #expect(names(try feed.next()) == ["points", "latest"])
    try place.log(held.id, (13_001...15_000).map { ($0, 1) })
    #expect(names(try feed.next()) == ["chart", "latest"])
    withExtendedLifetime(held) {}
  }

  @Test func theLogIsToldAsItGrows() throws {
    let place = try Place()
    let held = try running(place)
    let log = RunLog(held)
    log.add("first <b>", at: Date(timeIntervalSince1970: 0))
    var feed = RunFeed(page: RunPage(site: place.site), run: held.id)
    let first = try fields(try feed.next().first { $0.name == "log" })
    #expect(first["text"] == "1970-01-01T00:00:00Z first <b>\n" && first["isAll"] == true)
    log.add("second\nline", at: Date(timeIntervalSince1970: 1))
    let second = try fields(try feed.next().first { $0.name == "log" })
    #expect(second["text"] == "1970-01-01T00:00:01Z second line\n" && second["isAll"] == false)
    #expect(try feed.next().isEmpty)
    try Data("Fatal error\n".utf8).write(to: held.url.appending(path: "errors.txt"))
    let third = try fields(try feed.next().first { $0.name == "log" })
    #expect(third["file"] == "errors.txt" && third["text"] == "Fatal error\n")
  }

  @Test func theEndComesAfterAllElse() throws {
    let place = try Place()
    var held: RunFolder? = try running(place)
    let id = try #require(held?.id)
    var feed = RunFeed(page: RunPage(site: place.site), run: id)
    #expect(names(try feed.next()) == ["latest", "facts", "action"])
    #expect(!feed.isOver)
    try place.log(id, [(1, 1)])
    try place.add(id, state: .done)
    let last = try feed.next()
    #expect(names(last) == ["chart", "latest", "facts", "action", "end"])
    #expect(try fields(last[3])["state"] == "done")
    #expect(feed.isOver)
    held = nil
    var none = RunFeed(page: RunPage(site: place.site), run: "none")
    #expect(throws: UsageError.self) { try none.next() }
  }

  @Test func aKilledRunEndsAsInterrupted() throws {
    let place = try Place()
    var held: RunFolder? = try running(place)
    let id = try #require(held?.id)
    var feed = RunFeed(page: RunPage(site: place.site), run: id)
    _ = try feed.next()
    #expect(!feed.isOver)
    held = nil
    var told: [ServerEvent] = []
    for _ in 0..<RunFeed.settling { told += try feed.next() }
    #expect(feed.isOver)
    #expect(try fields(told.first { $0.name == "action" })["state"] == "interrupted")
  }

  @Test func theListTellsWhatChanged() throws {
    let place = try Place()
    try place.add("counting-1")
    var feed = RunsFeed(runs: RunsPage(site: place.site), fields: FormFields(encoded: "page=1"))
    let first = try feed.next()
    #expect(names(first) == ["rows"])
    #expect(try fields(first[0])["count"] == "1 run")
    #expect(try feed.next().isEmpty)
    let held = try running(place, "counting-2")
    let second = try feed.next()
    #expect(names(second) == ["rows", "news"])
    #expect(try fields(second[1])["text"] == "counting-2 is running")
    try place.add("counting-2", state: .done)
    #expect(try fields(feed.next().last)["text"] == "counting-2 is done")
    withExtendedLifetime(held) {}
  }

  @Test func anEventIsOneMessageWhateverItSays() throws {
    let event = try ServerEvent("log", ["text": .string("a\n\nevent: x\r\ndata: y\u{2028}")])
    #expect(event.text.count(of: "\n") == 3 && event.text.hasSuffix("\n\n") && !event.text.contains("\r"))
    #expect(try fields(event)["text"] == "a\n\nevent: x\r\ndata: y\u{2028}")
  }
}
