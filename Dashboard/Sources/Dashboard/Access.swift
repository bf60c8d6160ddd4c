import Foundation
import HTTPTypes
import Hummingbird
import Lab

/// Who may look and act: whoever has the address that the terminal shows, from this machine, on the dashboard's own pages.
///
/// Each process has a key and a token of its own. The key is part of the address, and kept by the browser as a cookie
/// that scripts can't read. The token stands in the forms of pages; a request that changes something must bring it.
struct Access: Sendable {
  let key: String
  let token: String

  init(key: String = Self.random(), token: String = Self.random()) {
    self.key = key
    self.token = token
  }

  /// 128 random bits in hexadecimal digits, from the system's generator.
  static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let digits = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Whether two secrets are the same, in a time that doesn't tell how far they agree.
  static func areEqual(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    return a.count == b.count && zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }

  // MARK: Where a request comes from

  /// Throws `PageError` for a request that didn't come from a page of this dashboard, or from its user.
  ///
  /// - A host name that isn't this machine's: another site's name may lead to this address (DNS rebinding).
  /// - An origin that isn't this dashboard's: another site's page, or that of another server on this machine, calls it.
  /// - What a browser says of a request's site, where it says it.
  func checkOrigin(_ request: Request) throws {
    let authority = request.head.authority ?? ""
    guard Self.isLoopback(authority) else {
      throw PageError(
        .forbidden, "Host '\(Format.fit(authority, to: 60))' isn't this machine: open the dashboard as localhost")
    }
    if let origin = request.headers[.origin], origin.lowercased() != "http://\(authority.lowercased())" {
      throw PageError(
        .forbidden,
        "requests from \(Format.fit(origin, to: 60)) are refused: they must come from the dashboard's own pages")
    }
    let isChange = request.method != .get && request.method != .head
    if let site = Self.header("Sec-Fetch-Site", request), site != "same-origin" {
      let isVisit = !isChange && (site == "none" || Self.header("Sec-Fetch-Mode", request) == "navigate")
      guard isVisit else { throw PageError(.forbidden, "requests from other sites are refused") }
    }
  }

  private static func header(_ name: String, _ request: Request) -> String? {
    HTTPField.Name(name).flatMap { request.headers[$0] }
  }

  /// Whether the host of an authority is this machine's loopback; the port may be that of a tunnel.
  static func isLoopback(_ authority: String) -> Bool {
    var host = Substring(authority.lowercased())
    if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) {
      host = host[..<colon]
    }
    return ["localhost", "127.0.0.1", "[::1]"].contains(host)
  }

  // MARK: The key

  /// Name of the cookie: dashboards on several ports have one each, as browsers keep cookies by host.
  private static func cookieName(_ request: Request) -> String {
    let port = (request.head.authority ?? "").split(separator: ":").last.flatMap { Int($0) } ?? 80
    return "pinion-\(port)"
  }

  /// Whether a request brings the cookie.
  func knows(_ request: Request) -> Bool {
    request.cookies[Self.cookieName(request)].map { Self.areEqual($0.value, key) } ?? false
  }

  /// The answer to an address with the right key: it's kept, and the browser sent to the first page.
  func welcome(_ request: Request) -> Response? {
    let fields = FormFields(encoded: request.uri.query ?? "")
    guard request.method == .get, let given = fields["key"], Self.areEqual(given, key) else { return nil }
    var response = Response(status: .seeOther, headers: [.location: "/"])
    response.setCookie(Cookie(name: Self.cookieName(request), value: key, path: "/", httpOnly: true, sameSite: .lax))
    return response
  }

  // MARK: Forms

  /// The fields of a form that was sent from a page of this process.
  ///
  /// - Throws: `PageError` where it's too long, or has no token or another one.
  func form(_ request: Request) async throws -> FormFields {
    var request = request
    let body: ByteBuffer
    do { body = try await request.collectBody(upTo: 1 << 16) } catch {
      throw PageError(.contentTooLarge, "the form is longer than 64 kB")
    }
    let fields = FormFields(encoded: String(buffer: body))
    guard let given = fields["token"], Self.areEqual(given, token) else {
      throw PageError(.forbidden, "the page is of an earlier start of the dashboard: load it again")
    }
    return fields
  }
}

/// An answer that isn't the page that was asked for, in one line.
struct PageError: Error, CustomStringConvertible {
  let status: HTTPResponse.Status
  let description: String

  init(_ status: HTTPResponse.Status, _ description: String) {
    self.status = status
    self.description = description
  }
}

/// Refuses what `Access` refuses, answers errors with pages, and tells browsers what pages may do.
struct AccessMiddleware<Context: RequestContext>: RouterMiddleware {
  let access: Access
  let shell: Shell

  /// Nothing from elsewhere, no script or style within pages, no frames. Pictures and sounds of reports are data.
  static var policy: String {
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
      + "media-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
  }

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var response: Response
    do {
      try access.checkOrigin(request)
      if let welcome = access.welcome(request) {
        response = welcome
      } else if access.knows(request) || request.uri.path.hasPrefix(Assets.prefix) {
        response = try await next(request, context)
      } else {
        response = shell.closed()
      }
    } catch let error as PageError {
      response = shell.problem(error.status, error.description)
    } catch let error as HTTPError {
      let known = error.status == .notFound ? "There is no such page." : error.body ?? error.status.reasonPhrase
      response = shell.problem(error.status, known)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      response = shell.problem(.internalServerError, "\(error)")
    }
    let isAsset = request.uri.path.hasPrefix(Assets.prefix) && response.status == .ok
    let headers = [
      "Content-Security-Policy": Self.policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
      "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
      "Cache-Control": isAsset ? "no-cache" : "no-store",
    ]
    for (name, value) in headers {
      if let name = HTTPField.Name(name) { response.headers[name] = value }
    }
    return response
  }
}
