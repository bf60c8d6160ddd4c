import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import Dashboard
@testable import Lab

@Suite struct AccessTests {
  private static let pages = [
    "/", "/compare?run=a&run=b", "/runs/a", "/papers", "/papers/counting", "/data", "/events/runs",
  ]

  @Test func withoutTheKeyAllPagesAreClosed() async throws {
    let place = try Place()
    try place.add("secret-run")
    try await place.requests { client in
      for page in Self.pages + ["/?key=wrong", "/?key="] {
        for cookie in ["", "pinion-80=wrong", "pinion-80="] {
          try await client.execute(uri: page, method: .get, headers: [.cookie: cookie]) { response in
            #expect(response.status == .forbidden, "\(page)")
            #expect(String(buffer: response.body).contains("This dashboard is closed"))
            #expect(!String(buffer: response.body).contains("secret-run"))
          }
        }
      }
    }
  }

  @Test func theAddressOfTheTerminalOpensThem() async throws {
    let place = try Place()
    let address = place.dashboard.address(port: 2626)
    #expect(address.absoluteString == "http://localhost:2626/?key=\(place.site.access.key)")
    #expect(place.site.access.key.count == 32)
    #expect(place.site.access.key != place.site.access.token)
    try await place.requests { client in
      try await client.execute(uri: "/?key=\(place.site.access.key)", method: .get) { response in
        #expect(response.status == .seeOther)
        #expect(response.headers[.location] == "/")
        let cookie = response.headers[.setCookie] ?? ""
        #expect(cookie.hasPrefix("pinion-80=\(place.site.access.key);"))
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"))
      }
    }
    #expect(try await place.get("/").status == .ok)
  }

  @Test func requestsFromElsewhereAreRefused() async throws {
    let place = try Place()
    func status(_ headers: [(String, String)], _ method: HTTPRequest.Method = .get) async throws -> HTTPResponse.Status
    {
      var fields = place.cookie
      for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
      let sent = fields
      return try await place.requests { client in
        try await client.execute(uri: "/", method: method, headers: sent) { $0.status }
      }
    }
    for origin in ["http://evil.example", "http://localhost:3000", "https://localhost", "null", ""] {
      #expect(try await status([("Origin", origin)]) == .forbidden, "\(origin)")
    }
    #expect(try await status([("Origin", "http://localhost")]) == .ok)
    #expect(try await status([("Sec-Fetch-Site", "same-origin")]) == .ok)
    #expect(try await status([("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate")]) == .ok)
    // A link of another site may lead here; its page can't take what is here into itself.
    #expect(try await status([("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")]) == .ok)
    #expect(try await status([("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")]) == .forbidden)
    #expect(try await status([("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "cors")]) == .forbidden)
    for site in ["cross-site", "same-site", "none"] {
      #expect(
        try await status([("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate")], .post) == .forbidden, "\(site)")
    }
  }

  @Test func onlyNamesOfThisMachineAreHosts() {
    for host in ["localhost", "localhost:2626", "127.0.0.1:1", "[::1]:2626", "[::1]", "LOCALHOST:80"] {
      #expect(Access.isLoopback(host), "\(host)")
    }
    for host in [
      "", "evil.example", "evil.example:2626", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:",
      "0.0.0.0",
      "localhost@evil.example", "127.0.0.2:80", "::1",
    ] {
      #expect(!Access.isLoopback(host) || host == "localhost:", "\(host)")
    }
  }

  @Test func foreignHostsAreRefusedByTheServer() async throws {
    let place = try Place()
    try await place.dashboard.application().test(.live) { client in
      let port = try #require(client.port)
      func answer(_ host: String) throws -> String {
        let connection = try Connection(port: port)
        try connection.send(
          "GET / HTTP/1.1\r\nHost: \(host)\r\nCookie: pinion-\(port)=\(place.site.access.key)\r\nConnection: close\r\n\r\n"
        )
        return connection.read(seconds: 5)
      }
      #expect(try answer("localhost:\(port)").hasPrefix("HTTP/1.1 200"))
      for host in ["evil.example", "evil.example:\(port)", "localhost.evil.example"] {
        let text = try answer(host)
        #expect(text.hasPrefix("HTTP/1.1 403") && !text.contains("<h1>Runs</h1>"))
      }
    }
  }

  @Test func changesNeedTheTokenOfThisProcess() async throws {
    let place = try Place()
    for token in ["", "wrong", place.site.access.key] {
      let answer = try await place.post("/papers/counting/runs", [("scale", "quick"), ("seed", "1")], token: token)
      #expect(answer.status == .forbidden)
      #expect(answer.text.contains("earlier start of the dashboard"))
    }
    #expect(try await place.post("/runs/a/stop", token: "wrong").status == .forbidden)
    #expect(try await place.post("/runs/a/resume", token: "wrong").status == .forbidden)
    #expect(try place.store.count() == 0)
    let long = String(repeating: "x", count: 70_000)
    #expect(try await place.post("/papers/counting/runs", [("seed", long)]).status == .contentTooLarge)
  }

  @Test func nothingChangesByLookingAtIt() async throws {
    let place = try Place()
    for address in ["/papers/counting/runs", "/runs/a/stop", "/runs/a/resume"] {
      #expect(try await place.get(address).status == .notFound, "\(address)")
    }
  }

  @Test func aDashboardThatOnlyShowsHasNothingToPress() async throws {
    let place = try Place(program: nil)
    try place.add("counting-1", state: .interrupted)
    #expect(!(try await place.get("/papers/counting")).text.contains("<form method=\"post\""))
    #expect(!(try await place.get("/runs/counting-1")).text.contains("<form method=\"post\""))
    let start = try await place.post("/papers/counting/runs", [("scale", "quick"), ("seed", "1")])
    #expect(start.status == .forbidden)
    #expect(try await place.post("/runs/counting-1/stop").status == .forbidden)
    #expect(try await place.post("/runs/counting-1/resume").status == .forbidden)
  }

  @Test func noAddressLeadsOutOfTheFolder() async throws {
    let place = try Place()
    try place.add("counting-1")
    let up = [
      "../../../../../../etc/passwd", "%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%2f..%2f..%2fetc%2fpasswd",
      "%00", "%ff",
    ]
    for name in up {
      for before in ["/static/", "/runs/", "/runs/counting-1/files/", "/data/", "/papers/", "/"] {
        let answer = try await place.get(before + name)
        #expect([.notFound, .badRequest].contains(answer.status), "\(before)\(name): \(answer.status)")
        #expect(!answer.text.contains("root:"))
      }
    }
    #expect(try await place.get("/static/page.css").status == .ok)
    #expect(try await place.get("/static/Package.swift").status == .notFound)
  }

  @Test func aRunsTextsAreOnlyThoseInItsFolder() throws {
    let place = try Place()
    let secret = place.folder.url.appending(path: "secret.txt")
    try Data("secret\n".utf8).write(to: secret)
    let run = place.store.folder(of: "counting-1")
    try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(at: run.appending(path: "log.txt"), withDestinationURL: secret)
    #expect(place.store.text(.log, of: "counting-1") == nil)
    for id in ["../x", "..", ".", "", "a/b", ".hidden"] { #expect(place.store.safeFolder(of: id) == nil) }
  }

  @Test func answersTellBrowsersWhatPagesMayDo() async throws {
    let place = try Place()
    try await place.requests { client in
      for page in ["/", "/nowhere", "/static/page.js", "/static/nothing.js"] {
        try await client.execute(uri: page, method: .get, headers: place.cookie) { response in
          func header(_ name: String) -> String { HTTPField.Name(name).flatMap { response.headers[$0] } ?? "" }
          let policy = header("Content-Security-Policy")
          #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
          #expect(!policy.contains("unsafe") && !policy.contains("*"))
          #expect(header("X-Content-Type-Options") == "nosniff")
          #expect(header("Access-Control-Allow-Origin") == "")
          #expect(header("Cache-Control") == (page == "/static/page.js" ? "no-cache" : "no-store"))
        }
      }
    }
  }
}
