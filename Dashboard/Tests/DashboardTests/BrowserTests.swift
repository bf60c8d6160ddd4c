import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Testing

@testable import CountingProgram
@testable import Dashboard
@testable import Lab

/// The pages in a real browser.
@Suite(.serialized, .enabled(if: Chromium.path != nil, "there is no chromium on PATH (Debian: apt install chromium)"))
struct BrowserTests {
  /// Serves a place while a body looks at it in a tab, and checks at the end that the browser had nothing to complain of.
  private func browse(_ place: Place, _ body: @Sendable @escaping (Tab, String) async throws -> Void) async throws {
    let (ports, told) = AsyncStream.makeStream(of: Int.self)
    let group = ServiceGroup(
      configuration: .init(
        services: [place.dashboard.application { told.yield($0) }], gracefulShutdownSignals: [],
        logger: Logger(label: "test")))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask {
        defer { Task { await group.triggerGracefulShutdown() } }
        let port = try #require(await ports.first { _ in true })
        let browser = try Chromium(try #require(Chromium.path))
        let tab = try await browser.tab()
        let base = "http://localhost:\(port)"
        try await tab.visit(place.dashboard.address(port: port).absoluteString)
        #expect(try await tab.evaluate("location.href") == .string(base + "/"))
        try await body(tab, base)
        #expect(tab.complaints == [])
        #expect(tab.requests.filter { !$0.hasPrefix(base) && !$0.hasPrefix("data:") } == [])
      }
      try await tasks.waitForAll()
    }
  }

  /// The charts that the checkout fetched; tests of charts need them.
  private static let scripts: ChartScripts? = {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    return ChartScripts.locate(in: [root.appending(path: ".pinion/charts")] + ChartScripts.searchPath())
  }()

  @Test(.enabled(if: Self.scripts != nil, "the chart scripts aren't there: ./pinion list fetches them"))
  func aRunIsStartedItsChartMovesAndItStops() async throws {
    let place = try Place(scripts: Self.scripts)
    try await browse(place) { tab, base in
      // From the list by keyboard: skip link, brand, three pages; then the paper's form.
      try await tab.press("Tab", code: 9)
      #expect(try await tab.evaluate("document.activeElement.className") == "skip")
      try await tab.visit(base + "/papers/counting")
      try await tab.evaluate("document.querySelector('details').open = true")
      try await tab.evaluate("document.querySelector('[name=\"set.steps\"]').value = 2000")
      try await tab.evaluate("document.querySelector('[name=\"set.pause\"]').value = 0.02")
      try await tab.evaluate("document.querySelector('button.main').focus()")
      try await tab.press("Enter", code: 13)
      try await tab.wait(for: "location.pathname.startsWith('/runs/counting-')")
      let id = try await tab.evaluate("location.pathname.split('/').pop()").text
      #expect(try place.store.record(id)?.state == .running)

      // The chart is there and gets more points while one looks.
      let points = "Number(document.querySelector('figure[data-metric=sum]').dataset.points)"
      try await tab.wait(for: "document.querySelector('figure[data-metric=sum] svg path')")
      try await tab.wait(for: "\(points) > 5")
      let line = "document.querySelector('figure[data-metric=sum] .mark-line path').getAttribute('d')"
      let (before, drawn) = (try await tab.evaluate(points), try await tab.evaluate(line))
      guard case .integer(let count) = before else { throw UsageError("\(before.text): isn't a number of points") }
      try await tab.wait(for: "\(points) > \(count + 20)")
      #expect(try await tab.evaluate(line) != drawn)
      try await tab.wait(for: "document.getElementById('latest').textContent.includes('sum')")
      try await tab.wait(for: "document.getElementById('log').textContent.includes('counting to 2000')")

      // Another tab's list tells of it.
      let list = try await tab.browser.tab()
      try await list.visit(base + "/")
      #expect(try await list.evaluate("document.querySelector('#rows th').textContent") == .string(id))

      try await tab.evaluate("document.getElementById('stop').click()")
      try await tab.wait(for: "document.getElementById('resume')")
      #expect(try await tab.evaluate("document.querySelector('.status .verdict').textContent") == "interrupted")
      #expect(try place.store.record(id)?.state == .interrupted)
      try await list.wait(for: "document.querySelector('#rows .verdict').textContent === 'interrupted'")
      #expect(
        try await list.evaluate("document.getElementById('announcement').textContent")
          == .string("\(id) is interrupted"))
      #expect(list.complaints == [])
    }
  }

  @Test(.enabled(if: Self.scripts != nil, "the chart scripts aren't there: ./pinion list fetches them"))
  func aRunThatEndsBecomesItsReport() async throws {
    let place = try Place(scripts: Self.scripts)
    try await browse(place) { tab, base in
      let id = try await place.site.control?.start(
        .init(paper: "counting", settings: [("steps", "60"), ("pause", "0.05")]))
      try await tab.visit(base + "/runs/\(id ?? "")")
      try await tab.wait(for: "document.querySelector('figure[data-metric] svg')")
      try await tab.wait(for: "document.querySelector('table.claims')")
      #expect(try await tab.evaluate("document.querySelector('.status .verdict').textContent") == "done")
      try await tab.wait(for: "document.querySelector('#chart-1 svg path')")
      #expect(try await tab.evaluate("document.querySelectorAll('h1').length") == 1)
      #expect(try await tab.evaluate("document.getElementById('announcement').textContent") == "The run is done.")
    }
  }

  @Test func hostileNamesAreShownAndNothingRuns() async throws {
    let place = try Place(scripts: Self.scripts)
    for id in [hostile, "\"><script>alert(2)</script>"] {
      try place.add(id, options: [hostile: .string(id)], claims: [Place.claim(hostile)], error: hostile)
      try place.log(id, metric: hostile, series: hostile, [(1, 1), (2, 2)])
    }
    // One that is running, so that names go through the stream and its script too.
    let name = "run<img src=x onerror=alert(1)>"
    let held = try RunFolder(place.store.folder(of: name))
    try place.add(name, state: .running)
    try place.log(name, metric: hostile, series: hostile, [(1, 1), (2, 2)])
    RunLog(held).add(hostile)
    let data = place.folder.url.appending(path: "data.csv")
    try Data("a\n".utf8).write(to: data)
    try place.site.settings.datasets.add(data.path, name: "mine", title: hostile, source: hostile)
    try await browse(place) { tab, base in
      let encoded = Address.encode(hostile)
      let pages = [
        "/", "/?sort=\(encoded)", "/runs/\(encoded)", "/compare?run=\(encoded)&run=\(Address.encode(name))", "/papers",
        "/data/mine",
        "/runs/\(Address.encode(name))",
      ]
      for page in pages {
        try await tab.visit(base + page)
        if page == pages.last {
          try await tab.wait(for: "document.querySelector('figure[data-metric] svg')")
          try await tab.wait(for: "document.getElementById('log').textContent.includes('onerror')")
        }
        #expect(
          try await tab.evaluate("document.body.textContent.includes('<img src=x onerror=alert(1)>')") == true,
          "\(page)")
        #expect(
          try await tab.evaluate("document.querySelectorAll('img[src=x], main script:not([type])').length") == 0,
          "\(page)")
      }
      let dialogs = tab.browser.events(of: tab.session).filter { $0.method == "Page.javascriptDialogOpening" }
      #expect(dialogs.isEmpty)
    }
    withExtendedLifetime(held) {}
  }

  @Test func pagesAreFitForAllReadersAndWidths() async throws {
    let place = try Place(scripts: Self.scripts)
    for i in 1...3 {
      try place.add("counting-2026-\(i)", options: ["rate": .integer(i)], claims: [Place.claim("sum", Double(i))])
      for name in ["TNT", "DeiT, equal multiply-adds", "DeiT, equal width"] {
        try place.log("counting-2026-\(i)", series: name, (1...50).map { ($0, Double($0 * i)) })
      }
    }
    try place.add("counting-2026-4", state: .failed, error: "the sum broke")
    let held = try RunFolder(place.store.folder(of: "counting-2026-5"))
    try place.add("counting-2026-5", state: .running)
    try place.log("counting-2026-5", (1...50).map { ($0, Double($0)) })
    try await browse(place) { tab, base in
      let pages = [
        "/", "/?sort=sum", "/runs/counting-2026-1", "/runs/counting-2026-4", "/runs/counting-2026-5",
        "/compare?run=counting-2026-1&run=counting-2026-2", "/papers", "/papers/counting", "/data",
        "/data/fashion-mnist",
      ]
      for (width, scheme) in [(1_280, "light"), (400, "dark"), (320, "light")] {
        try await tab.resize(width: width, height: 900)
        try await tab.setScheme(scheme)
        for page in pages {
          try await tab.visit(base + page)
          if page.contains("counting-2026-5") { try await tab.wait(for: "document.querySelector('figure')") }
          try await tab.wait(
            for:
              "!window.vega || document.querySelectorAll('.chart').length === document.querySelectorAll('.chart svg').length"
          )
          let problems = try await tab.evaluate(Self.check)
          #expect(problems == "", "\(page) at \(width): \(problems.text)")
        }
      }
      // What has the focus can be seen.
      try await tab.visit(base + "/")
      for _ in 0..<8 {
        try await tab.press("Tab", code: 9)
        let width = try await tab.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        let focused = try await tab.evaluate("document.activeElement.outerHTML").text
        #expect(width != 0, "\(focused)")
      }
    }
    withExtendedLifetime(held) {}
  }

  /// A script that names what hinders a reader: parts without names, headings that are left out, what is cut off.
  private static let check = """
    (() => {
      const problems = [];
      const one = selector => { if (document.querySelectorAll(selector).length !== 1) problems.push("not one " + selector); };
      for (const selector of ["h1", "main", "nav[aria-label=Pages]", "header.bar", "[role=status]", ".skip"]) one(selector);
      const name = element => (element.getAttribute("aria-label") || element.textContent || "").trim();
      for (const element of document.querySelectorAll("a, button")) if (!name(element)) problems.push("no name: " + element.outerHTML);
      for (const element of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
        if (!element.labels.length && !element.getAttribute("aria-label")) problems.push("no label: " + element.outerHTML);
      for (const element of document.querySelectorAll("th")) if (!element.scope) problems.push("no scope: " + element.outerHTML);
      for (const element of document.querySelectorAll("img")) if (!element.hasAttribute("alt")) problems.push("no alt");
      for (const element of document.querySelectorAll("[role=img], [role=log]"))
        if (!element.getAttribute("aria-label") && !element.closest(".vega-embed")) problems.push("no label: " + element.outerHTML.slice(0, 200));
      const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
      if (new Set(ids).size !== ids.length) problems.push("ids that are there twice");
      let level = 0;
      for (const heading of document.querySelectorAll("h1, h2, h3")) {
        const own = Number(heading.tagName[1]);
        if (own > level + 1) problems.push("heading left out: " + heading.textContent);
        level = own;
      }
      const width = document.documentElement.scrollWidth;
      if (width > innerWidth) problems.push(`${width} px wide`);
      for (const text of document.querySelectorAll("figure .chart svg text"))
        if (text.getBoundingClientRect().right > innerWidth) problems.push("cut off: " + text.textContent);
      // WCAG contrast of text on the page's ground.
      const luminance = text => {
        const [r, g, b] = text.match(/[0-9.]+/g).map(part => { const c = part / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = element => { for (let e = element; e; e = e.parentElement) {
        const colour = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(colour) && colour !== "transparent") return colour; } return "rgb(255, 255, 255)"; };
      for (const element of document.querySelectorAll("main p, main a, main td, main th, main button, .verdict, label, dt, dd, nav a")) {
        if (element.disabled || !element.textContent.trim() || element.closest("[hidden]")) continue;
        const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) problems.push(`contrast ${contrast.toFixed(2)}: ` + element.outerHTML.slice(0, 120));
      }
      return [...new Set(problems)].join("\\n");
    })()
    """

  /// Pictures of the pages in a folder, for who wants to look: `PINION_PICTURES=/tmp/pictures`, of the runs in `PINION_PICTURED`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["PINION_PICTURES"] != nil))
  func pictures() async throws {
    let environment = ProcessInfo.processInfo.environment
    let folder = URL(fileURLWithPath: environment["PINION_PICTURES"] ?? "")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let place = try Place(scripts: Self.scripts) { settings in
      guard let runs = environment["PINION_PICTURED"] else { return }
      settings = Dashboard.Settings(root: URL(fileURLWithPath: runs), program: Programs.counting, scripts: Self.scripts)
      settings.experiments.append(Counting())
      settings.papers.append(Counting().paper)
    }
    let names = try place.store.runs(RunQuery(limit: 200)).map(\.record)
    let pair = names.filter { $0.state == .done && $0.experiment == "tnt" }.prefix(3)
    let compared = pair.map { "run=\(Address.encode($0.id))" }.joined(separator: "&")
    let live =
      try await place.site.control?.start(
        .init(paper: "counting", settings: [("steps", "4000"), ("pause", "0.02"), ("label", "TNT, seed 0")])) ?? ""
    let done = names.filter { $0.state == .done && $0.experiment != "counting" }
    var pages: [(String, String)] = [
      ("runs", "/"), ("papers", "/papers"), ("paper", "/papers/tnt"), ("data", "/data"),
      ("dataset", "/data/fashion-mnist"),
      ("live", "/runs/\(live)"),
    ]
    if let run = done.first { pages.append(("run", Address.run(run.id))) }
    if pair.count > 1 { pages.append(("compare", "/compare?\(compared)")) }
    let shown = pages
    try await browse(place) { tab, base in
      for (name, page) in shown {
        try await tab.visit(base + page)
        if name == "live" {
          try await tab.wait(
            for: "document.querySelector('figure svg') && document.querySelector('figure').dataset.points > 30")
        }
        for (width, scheme) in [(1_280, "light"), (1_280, "dark"), (400, "light"), (400, "dark")] {
          try await tab.setScheme(scheme)
          try await tab.resize(width: width, height: 900)
          try await Task.sleep(for: .milliseconds(300))
          try await tab.picture().write(to: folder.appending(path: "\(name)-\(width)-\(scheme).png"))
        }
      }
    }
    try place.site.control?.stop(live)
  }
}
