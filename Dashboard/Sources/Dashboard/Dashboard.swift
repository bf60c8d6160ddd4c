import Foundation
import Hummingbird
import Lab
import Logging
import Papers

/// Pages over the runs of a folder, the papers and the data sets, on this machine's loopback address.
public struct Dashboard: Sendable {
  /// What a dashboard shows and may do.
  public struct Settings: Sendable {
    /// Folder of the runs.
    public var root: URL
    /// Port; 0 for one that is free.
    public var port: Int
    /// The program that runs experiments, `pinion-cli`; nil where pages only show.
    public var program: URL?
    /// Experiments that can be started.
    public var experiments: [any Experiment]
    public var papers: [Paper]
    public var datasets: DatasetRegistry
    /// The scripts that draw charts; without them pages show their numbers.
    public var scripts: ChartScripts?

    public init(
      root: URL, port: Int = 0, program: URL? = nil, experiments: [any Experiment] = Catalog.experiments,
      papers: [Paper] = Catalog.papers, datasets: DatasetRegistry = DatasetRegistry(Catalog.datasets),
      scripts: ChartScripts? = ChartScripts.locate()
    ) {
      self.root = root
      self.port = port
      self.program = program
      self.experiments = experiments
      self.papers = papers
      self.datasets = datasets
      self.scripts = scripts
    }
  }

  let site: Site

  /// Opens the store of the runs, or makes it.
  ///
  /// - Throws: `UsageError` where it can't be opened.
  public init(_ settings: Settings) throws {
    site = Site(settings, store: try RunStore(root: settings.root, create: true))
  }

  /// Where a browser finds the dashboard that listens on a port, with the key that opens it.
  public func address(port: Int) -> URL {
    var components = URLComponents()
    (components.scheme, components.host, components.port, components.path) = ("http", "localhost", port, "/")
    components.queryItems = [URLQueryItem(name: "key", value: site.access.key)]
    return components.url ?? URL(fileURLWithPath: "/")
  }

  /// The server.
  ///
  /// - Parameter onRunning: is told the port once it listens.
  public func application(onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) -> some ApplicationProtocol {
    var logger = Logger(label: "dashboard", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = .critical
    return Application(
      router: router(),
      configuration: .init(address: .hostname("127.0.0.1", port: site.settings.port), serverName: nil),
      onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: logger)
  }

  private func router() -> Router<BasicRequestContext> {
    let site = site
    let (runs, run) = (RunsPage(site: site), RunPage(site: site))
    let (papers, data) = (PapersPage(site: site), DataPage(site: site))
    let router = Router()
    router.add(middleware: AccessMiddleware(access: site.access, shell: site.shell))
    router.get("/static/:name") { request, context in try site.assets.response(context.name("name"), request) }

    router.get("/") { request, _ in try await site.answer { try runs.list(request.fields) } }
    router.get("/compare") { request, _ in try await site.answer { try runs.comparison(request.fields) } }
    router.get("/runs/:id") { _, context in try await site.answer { try run.page(context.name("id")) } }
    router.get("/runs/:id/metrics.csv") { _, context in try await site.answer { try run.metrics(context.name("id")) } }
    router.get("/runs/:id/files/:name") { _, context in
      try await site.answer { try run.file(context.name("name"), of: context.name("id")) }
    }
    router.get("/papers") { _, _ in try await site.answer { try papers.list() } }
    router.get("/papers/:name") { _, context in try await site.answer { try papers.page(context.name("name")) } }
    router.get("/data") { _, _ in try await site.answer { try data.list() } }
    router.get("/data/:name") { _, context in try await site.answer { try data.page(context.name("name")) } }

    router.get("/events/runs") { request, _ in EventStream.response(RunsFeed(runs: runs, fields: request.fields)) }
    router.get("/events/runs/:id") { _, context in EventStream.response(RunFeed(page: run, run: try context.name("id")))
    }

    router.post("/papers/:name/runs") { request, context in
      let form = try await site.access.form(request)
      return try await papers.start(context.name("name"), form)
    }
    router.post("/runs/:id/stop") { request, context in
      _ = try await site.access.form(request)
      return try await run.stop(context.name("id"))
    }
    router.post("/runs/:id/resume") { request, context in
      _ = try await site.access.form(request)
      return try await run.resume(context.name("id"))
    }
    return router
  }
}

extension RequestContext {
  /// A part of the address, decoded.
  func name(_ parameter: String) throws -> String {
    guard let name = parameters.get(parameter)?.removingPercentEncoding else {
      throw PageError(.badRequest, "The address isn't one of a page here.")
    }
    return name
  }
}

extension Request {
  /// Names and values of the query.
  var fields: FormFields { FormFields(encoded: uri.query ?? "") }
}

/// What all pages use.
struct Site: Sendable {
  let settings: Dashboard.Settings
  let store: RunStore
  let access = Access()
  let assets: Assets
  let shell: Shell
  let control: RunControl?

  init(_ settings: Dashboard.Settings, store: RunStore) {
    self.settings = settings
    self.store = store
    assets = Assets(scripts: settings.scripts)
    shell = Shell(canDraw: settings.scripts != nil)
    control = settings.program.map { RunControl(program: $0, store: store) }
  }

  var reports: ReportBuilder { ReportBuilder(store: store, scripts: settings.scripts) }

  /// The paper of a run; one that isn't in the catalogue has its name only.
  func paper(of record: RunRecord) -> Paper {
    settings.papers.first { $0.name == record.experiment }
      ?? Paper(number: 0, name: record.experiment, title: record.experiment, field: "", claim: "")
  }

  func experiment(named name: String) -> (any Experiment)? { settings.experiments.first { $0.paper.name == name } }

  /// The hidden field that each form needs.
  var tokenField: HTML { "<input type=\"hidden\" name=\"token\" value=\"\(access.token)\">" }

  // Pages read files and the store, which would hold up the threads that serve all connections.
  private static let queue = DispatchQueue(label: "pages", attributes: .concurrent)

  /// Does work that waits for files on a thread of its own.
  static func offload<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try work() }) }
    }
  }

  /// A page that is made on a thread of its own.
  func answer(_ make: @escaping @Sendable () throws -> Response) async throws -> Response {
    try await Self.offload(make)
  }
}
