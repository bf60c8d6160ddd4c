import Foundation
import Hummingbird
import HummingbirdTesting
import Testing

@testable import CountingProgram
@testable import Dashboard
@testable import Lab

@Suite struct PageTests {
  /// What each page has, whatever it shows.
  private func check(_ text: String, _ address: String) {
    #expect(text.count(of: "<h1>") == 1, "\(address)")
    #expect(text.count(of: "<main id=\"main\"") == 1, "\(address)")
    #expect(text.contains("<a class=\"skip\" href=\"#main\">") && text.contains("<nav aria-label=\"Pages\">"))
    #expect(text.contains("<html lang=\"en\">") && text.contains("role=\"status\""))
    #expect(text.count(of: "<th>") == 0, "\(address)")
    for word in ["<script>", "style=\"", "<style", " onclick", "javascript:"] {
      #expect(!text.contains(word), "\(address): \(word)")
    }
  }

  @Test func anEmptyFolderHasAllPages() async throws {
    let place = try Place()
    for address in ["/", "/papers", "/papers/counting", "/papers/stance", "/data", "/data/fashion-mnist"] {
      let (status, text) = try await place.get(address)
      #expect(status == .ok, "\(address)")
      check(text, address)
    }
    #expect(try await place.get("/").text.contains("<a href=\"/papers\">Choose a paper</a> to start one"))
    for address in ["/runs/none", "/papers/none", "/data/none", "/none", "/runs/none/metrics.csv"] {
      let (status, text) = try await place.get(address)
      #expect(status == .notFound, "\(address)")
      check(text, address)
    }
  }

  @Test func hostileNamesAreShownAndNothingElse() async throws {
    let place = try Place()
    let claim = Claim(
      hostile, statement: hostile, measured: 1, unit: hostile, comparison: .atLeast, threshold: 0, baseline: hostile)
    for id in [hostile, hostile + "2"] {
      try place.add(
        id, state: id == hostile ? .done : .failed, options: [hostile: .string(hostile + id)], claims: [claim],
        error: hostile,
        experiment: id == hostile ? "counting" : hostile)
      try place.log(id, metric: hostile, series: hostile, [(1, 1), (2, 2)])
      try place.store.keep([1, 2], of: id, as: hostile, type: hostile)
    }
    let data = place.folder.url.appending(path: "data.csv")
    try Data("a\n".utf8).write(to: data)
    try place.site.settings.datasets.add(data.path, name: "mine", title: hostile, licence: hostile, source: hostile)
    let encoded = Address.encode(hostile)
    var addresses = ["/", "/?sort=\(encoded)", "/?paper=\(encoded)", "/compare?run=\(encoded)&run=\(encoded)2"]
    addresses += ["/runs/\(encoded)", "/runs/\(encoded)2", "/papers", "/papers/counting", "/data", "/data/mine"]
    for address in addresses {
      let (status, text) = try await place.get(address)
      #expect(status == .ok, "\(address)")
      #expect(text.contains("&lt;img src=x onerror=alert(1)&gt;"), "\(address)")
      #expect(!text.contains("<img src=x"), "\(address)")
      check(text, address)
    }
    // Errors repeat names too.
    for address in ["/runs/\(encoded)x", "/papers/\(encoded)", "/data/\(encoded)", "/compare?run=\(encoded)&run=x"] {
      let (status, text) = try await place.get(address)
      #expect(status == .notFound && !text.contains("<img src=x"), "\(address)")
    }
  }

  @Test func theListIsFilteredSortedAndParted() async throws {
    let place = try Place()
    for i in 1...120 {
      try place.add(
        "counting-\(i)", state: i % 10 == 0 ? .failed : .done, scale: i % 2 == 0 ? .quick : .full, seed: UInt64(i),
        started: Double(i), claims: [Place.claim("sum", Double(i * 37 % 120))])
    }
    func ids(_ query: String) async throws -> [String] {
      let text = try await place.get("/" + query).text
      return text.matches(of: /name="run" value="([^"]*)"/).map { String($0.1) }
    }
    let first = try await ids("")
    #expect(first.count == RunsPage.pageSize && first.first == "counting-120")
    #expect(try await ids("?page=3") == (1...20).reversed().map { "counting-\($0)" })
    #expect(try await ids("?page=99").last == "counting-1")
    #expect(try await ids("?page=-1&sort=nothing&state=x&scale=y&order=z") == first)
    #expect(try await ids("?state=failed&scale=quick").count == 12)
    #expect(try await ids("?state=failed&scale=full").isEmpty)
    #expect(try await ids("?paper=tnt").isEmpty)
    // 37 i mod 120 is largest for i = 107, smallest for 120.
    #expect(try await ids("?sort=sum").first == "counting-107")
    #expect(try await ids("?sort=sum&order=ascending").first == "counting-120")
    let text = try await place.get("/?sort=sum&state=done").text
    #expect(text.contains("<th scope=\"col\" class=\"right\">sum</th>") && text.contains("108 runs"))
    #expect(text.contains("<a rel=\"next\" href=\"?sort=sum&amp;state=done&amp;page=2\">Next</a>"))
    #expect(text.contains("✓ 1 of 1 hold"))
  }

  @Test func runsAreComparedWithTheLabsReport() async throws {
    let place = try Place()
    for (id, rate) in [("a", 1), ("b", 2)] {
      try place.add(id, options: ["rate": .integer(rate)], claims: [Place.claim("sum", Double(rate))])
      try place.log(id, [(1, 1), (2, 3)])
    }
    let (status, text) = try await place.get("/compare?run=a&run=b&run=a")
    #expect(status == .ok)
    #expect(text.contains("<h1>2 runs of counting</h1>") && text.contains("What differs"))
    #expect(text.contains("rate=1") && text.contains("rate=2"))
    check(text, "compare")
    #expect(try await place.get("/compare").status == .badRequest)
    #expect(try await place.get("/compare?run=a").text.contains("Choose two runs or more"))
    let many = (0...RunsPage.comparisonLimit).map { "run=\($0)" }.joined(separator: "&")
    #expect(try await place.get("/compare?\(many)").text.contains("too many to compare"))
  }

  @Test func aRunThatEndedIsItsReport() async throws {
    let place = try Place()
    _ = try Runner(progress: .silent(), interrupt: Interrupt()).start(
      Counting(), .init(settings: ["steps=3", "label="], root: place.root))
    let id = try #require(try place.store.runs().first?.record.id)
    let (status, text) = try await place.get("/runs/\(id)")
    #expect(status == .ok)
    check(text, id)
    #expect(text.contains("Counting, step by step") && text.contains("<span class=\"verdict holds\">✓ holds</span>"))
    #expect(text.contains("<th scope=\"row\">sum<span class=\"note\">the sum is large</span></th>"))
    #expect(text.contains("How to run it again") && text.contains("counting to 3"))
    #expect(!text.contains("data-events"))
    let csv = try await place.get("/runs/\(id)/metrics.csv")
    #expect(csv.text.hasPrefix("run,experiment,seed,metric,series,step,value\r\n\(id),counting,0,sum,,1,"))
  }

  @Test func filesAreStoredNotShown() async throws {
    let place = try Place()
    try place.add("a")
    try place.store.keep(Array("<script>alert(1)</script>".utf8), of: "a", as: "../x/page.html", type: "text/html")
    let text = try await place.get("/runs/a").text
    #expect(text.contains("href=\"/runs/a/files/..%2Fx%2Fpage.html\" download"))
    try await place.requests { client in
      try await client.execute(uri: "/runs/a/files/..%2Fx%2Fpage.html", method: .get, headers: place.cookie) {
        response in
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/octet-stream")
        #expect(response.headers[.contentDisposition] == "attachment; filename*=UTF-8''page.html")
        #expect(String(buffer: response.body) == "<script>alert(1)</script>")
      }
    }
    #expect(try await place.get("/runs/a/files/none").status == .notFound)
  }

  @Test func papersHaveTheirLatestMeasuredClaims() async throws {
    let place = try Place()
    try place.add("full", scale: .full, started: 1, claims: [Place.claim("sum", 7.5)])
    try place.add("standard", started: 2, claims: [Place.claim("sum", 8.5)])
    try place.add("failed", state: .failed, started: 3, claims: [Place.claim("sum", 9.5)])
    try place.add("quick", scale: .quick, started: 4, claims: [Place.claim("sum", 6.5)])
    let text = try await place.get("/papers").text
    #expect(text.count(of: "<th scope=\"row\">") == 26)
    #expect(text.contains("<strong>8.5</strong>") && text.contains("href=\"/runs/standard\""))
    for other in ["7.5", "9.5", "6.5"] { #expect(!text.contains("<strong>\(other)</strong>")) }
    #expect(text.count(of: "not reproduced yet") == 25)
    let own = try await place.get("/papers/counting").text
    #expect(own.contains("<strong>8.5</strong>") && own.contains("name=\"set.steps\"") && own.contains("about 6 s"))
    #expect(try await place.get("/papers/stance").text.contains("This paper isn't reproduced yet."))
  }

  @Test func dataSetsHaveTheirStatementsAndAudits() async throws {
    let place = try Place()
    let data = place.folder.url.appending(path: "data.csv")
    try Data("a\n".utf8).write(to: data)
    try place.site.settings.datasets.add(data.path, name: "mine")
    let list = try await place.get("/data").text
    #expect(list.contains("href=\"/data/fashion-mnist\"") && list.contains("blocking"))
    let known = try await place.get("/data/fashion-mnist").text
    #expect(known.contains("Findings for") && known.contains("SHA-256") && !known.contains("To be asked first"))
    let mine = try await place.get("/data/mine").text
    #expect(mine.contains("To be asked first") && mine.contains("Under which licence does it come?"))
    #expect(mine.contains("role=\"img\"") || mine.contains("The chart scripts weren't found"))
    // A statement that can't be read hides none of the others.
    try Data("{".utf8).write(to: URL(fileURLWithPath: data.path + ".statement.json"))
    let (status, broken) = try await place.get("/data")
    #expect(
      status == .ok && broken.contains("href=\"/data/fashion-mnist\"") && broken.contains("data.csv.statement.json"))
    #expect(try await place.get("/data/mine").status == .internalServerError)
  }

  @Test func scriptsAndStylesAreKeptByTheBrowser() async throws {
    let place = try Place()
    try await place.requests { client in
      for name in ["report.css", "page.css", "charts.js", "page.js", "run.js", "runs.js", "icon.svg"] {
        let tag = try await client.execute(uri: "/static/\(name)", method: .get) { response in
          #expect(response.status == .ok && response.body.readableBytes > 100)
          return response.headers[.eTag] ?? ""
        }
        try await client.execute(uri: "/static/\(name)", method: .get, headers: [.ifNoneMatch: tag]) {
          #expect($0.status == .notModified && $0.body.readableBytes == 0)
        }
      }
      try await client.execute(uri: "/static/vega.js", method: .get) { #expect($0.status == .notFound) }
    }
  }

  @Test func whatIsFilledInIsEscaped() {
    let name = "<b>\"&'"
    let html: HTML =
      "<p title=\"\(name)\">\(name) \(3) \(HTML(rendered: "<i>x</i>")) \("yes", if: false, else: "no")</p>"
    #expect(html.text == "<p title=\"&lt;b&gt;&quot;&amp;&#39;\">&lt;b&gt;&quot;&amp;&#39; 3 <i>x</i> no</p>")
    #expect(Address.run("a/../b c?#") == "/runs/a%2F..%2Fb%20c%3F%23")
    let fields = FormFields(encoded: "a=1+2&b=%3Cx%3E&a=3&c&set.k=%20v%20&set.e=")
    #expect(fields["a"] == "1 2" && fields.all("a") == ["1 2", "3"] && fields["b"] == "<x>" && fields["c"] == "")
    #expect(fields.withPrefix("set.").map { "\($0.name)=\($0.value)" } == ["k=v"])
    #expect(fields.query(with: "a", "&") == "?b=%3Cx%3E&set.k=%20v%20&a=%26")
  }
}
