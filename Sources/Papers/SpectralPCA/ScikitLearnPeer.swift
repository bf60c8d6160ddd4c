import Formats
import Foundation
import Lab

/// scikit-learn's spectral clustering in a process of its own, for time, memory and agreement.
struct ScikitLearnPeer: Sendable {
  let python: String
  /// Version of scikit-learn.
  let version: String

  /// What a run took; nil numbers where it was broken off.
  struct Run: Codable, Sendable {
    var seconds: Double
    var megabytes: Double
    var labels: [Int]
  }

  /// A Python that has scikit-learn; nil where there is none.
  ///
  /// - Throws: `UsageError` where the user named one that hasn't.
  init?(_ named: String?) throws {
    if named == "no" { return nil }
    let wanted = named ?? "python3"
    let script = "import sklearn, scipy, numpy; print(sklearn.__version__)"
    guard let text = OtherProgram.output(of: wanted, ["-c", script], seconds: 60),
      let version = text.split(whereSeparator: \.isNewline).last, !version.isEmpty
    else {
      if let named { throw UsageError("--set python=\(named): can't import scikit-learn") }
      return nil
    }
    python = wanted
    self.version = String(version)
  }

  private static let script = """
    import json, sys, time, warnings
    warnings.filterwarnings("ignore")
    import numpy
    from sklearn.cluster import SpectralClustering
    points = numpy.load(sys.argv[1])
    start = time.perf_counter()
    found = SpectralClustering(
        n_clusters=int(sys.argv[2]), affinity="nearest_neighbors", n_neighbors=10, assign_labels="kmeans",
        random_state=0, n_jobs=-1).fit(points)
    seconds = time.perf_counter() - start
    # Not getrusage: its peak is that of the process that started this one, where that is larger.
    lines = open("/proc/self/status").read().splitlines()
    peak = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")][0]
    print(json.dumps({"seconds": seconds, "megabytes": peak, "labels": found.labels_.tolist()}))
    """

  /// Clusters the points; nil where it takes longer than allowed, or fails.
  func cluster(_ points: Points, clusters: Int, folder: URL, seconds: Int) throws -> Run? {
    let file = folder.appending(path: "points-\(points.count).npy")
    defer { try? FileManager.default.removeItem(at: file) }
    try NumPy.write(points.tensor, to: file.path)
    guard
      let text = OtherProgram.output(
        of: python, ["-c", Self.script, file.path, String(clusters)], seconds: seconds)
    else {
      return nil
    }
    return try? JSONDecoder().decode(Run.self, from: Data(text.utf8))
  }
}
