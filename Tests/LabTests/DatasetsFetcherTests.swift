import Formats
import Foundation
import Testing

@testable import Lab

@Suite struct DatasetsFetcherTests {
  private let content = Array("forty-two bytes that stand for a data file".utf8)

  private func info(_ content: [UInt8]? = nil) -> DatasetInfo {
    let content = content ?? self.content
    return DatasetInfo(
      name: "tiny", source: "test", licence: "none", package: "dataset-tiny", packageFolder: "/usr/share/datasets/tiny",
      url: "https://example.invalid/tiny",
      files: [DatasetInfo.File("a.gz", byteCount: content.count, sha256: SHA256.hex(content))],
      splits: [DatasetInfo.Split("train", 1)])
  }

  private func fetcher(_ folder: DataFolder) -> Fetcher {
    // The tools of the test first; the rest of the scripts' commands from the system.
    Fetcher(cacheFolder: "\(folder.path)/cache", searchPath: "\(folder.path)/bin", systemRoot: "\(folder.path)/root")
  }

  @Test func installedPackage() throws {
    let folder = try DataFolder()
    try folder.write("root/usr/share/datasets/tiny/a.gz", content)
    let place = try fetcher(folder).folder(of: info())
    #expect(try File.read("\(place)/a.gz") == content)
  }

  @Test func filesInFoldersOfTheirOwn() throws {
    let folder = try DataFolder()
    try folder.write("root/usr/share/datasets/tiny/one/two/a.gz", content)
    let nested = DatasetInfo(
      name: "tiny", source: "test", licence: "none", packageFolder: "/usr/share/datasets/tiny",
      url: "https://x.invalid",
      files: [DatasetInfo.File("one/two/a.gz", byteCount: content.count, sha256: SHA256.hex(content))], splits: [])
    #expect(try File.read(fetcher(folder).folder(of: nested) + "/one/two/a.gz") == content)
    #expect(fetcher(folder).isPresent(nested))
  }

  @Test func aptWithoutRoot() throws {
    let folder = try DataFolder()
    // Fails with the system's lists, works with own ones once they're updated.
    try folder.tool(
      "apt-get",
      """
      case "$*" in
      *Lists*update*) mkdir -p lists && touch lists/ready;;
      *Lists*download*) test -e lists/ready && touch dataset-tiny_1_all.deb;;
      *) echo "E: Unable to locate package" >&2; exit 100;;
      esac
      """)
    try folder.tool(
      "dpkg-deb",
      "mkdir -p files/usr/share/datasets/tiny && printf '%s' '\(String(decoding: content, as: UTF8.self))' > files/usr/share/datasets/tiny/a.gz"
    )
    let place = try fetcher(folder).folder(of: info())
    #expect(try File.read("\(place)/a.gz") == content)
    #expect(folder.contents("cache/tiny") == [".lock", "a.gz"])
    // The second time nothing is run.
    try folder.tool("apt-get", "exit 9")
    #expect(try fetcher(folder).folder(of: info()) == place)
  }

  @Test func curlGoesOnWhereItStopped() throws {
    let folder = try DataFolder()
    let text = String(decoding: content, as: UTF8.self)
    let half = content.count / 2
    // Stops in the middle the first time, and appends the rest when it's told to go on.
    try folder.tool(
      "curl",
      """
      while [ $# -gt 1 ]; do case "$1" in -C) resume=$2; shift;; -o) out=$2; shift;; esac; shift; done
      test "$1" = https://example.invalid/tiny/a.gz || exit 3
      test "$resume" = - || exit 4
      if [ -s "$out" ]; then printf '%s' '\(text.dropFirst(half))' >> "$out"
      else printf '%s' '\(text.prefix(half))' > "$out"; echo "curl: (56) connection reset" >&2; exit 56; fi
      """)
    let line = dataMessage { _ = try fetcher(folder).folder(of: info()) }
    #expect(line.contains("apt-get: isn't on this machine; curl: curl: (56) connection reset"))
    #expect(folder.contents("cache/tiny") == [".lock", "a.gz.part"])
    let place = try fetcher(folder).folder(of: info())
    #expect(try File.read("\(place)/a.gz") == content)
    #expect(folder.contents("cache/tiny") == [".lock", "a.gz"])
  }

  @Test func wrongBytesAreRefused() throws {
    let folder = try DataFolder()
    try folder.write("root/usr/share/datasets/tiny/a.gz", content.reversed())
    try folder.tool("curl", "while [ \"$1\" != -o ]; do shift; done; printf '%042d' 0 > \"$2\"")
    let line = dataMessage { _ = try fetcher(folder).folder(of: info()) }
    #expect(line.hasPrefix("tiny: couldn't be fetched ("))
    #expect(line.contains("isn't the expected file: SHA-256"))
    #expect(line.hasSuffix("install the Debian package dataset-tiny, or put a.gz into \(folder.path)/cache/tiny"))
    #expect(folder.contents("cache/tiny") == [".lock"])
  }

  @Test func noWayAtAll() throws {
    let folder = try DataFolder()
    let line = dataMessage { _ = try fetcher(folder).folder(of: info()) }
    #expect(line.contains("(apt-get: isn't on this machine; curl: isn't on this machine)"))
    var blocked = fetcher(folder)
    blocked.cacheFolder = try folder.write("file", []) + "/data"
    #expect(dataMessage { _ = try blocked.folder(of: info()) }.contains("can't be made"))
    let huge = DatasetInfo(
      name: "huge", source: "", licence: "", package: nil, packageFolder: "/", url: "",
      files: [DatasetInfo.File("a", byteCount: 1 << 58, sha256: "")], splits: [])
    #expect(dataMessage { _ = try fetcher(folder).folder(of: huge) }.contains("make room or set XDG_CACHE_HOME"))
  }

  @Test func aServerThatCannotGoOnIsAskedFromTheBeginning() throws {
    let folder = try DataFolder()
    let text = String(decoding: content, as: UTF8.self)
    try folder.write("cache/tiny/a.gz.part", Array(content.prefix(5)))
    try folder.tool(
      "curl",
      """
      while [ $# -gt 1 ]; do case "$1" in -C) resume=$2; shift;; -o) out=$2; shift;; esac; shift; done
      if [ -n "$resume" ]; then echo "curl: (33) HTTP server doesn't seem to support byte ranges. Cannot resume." >&2; exit 33; fi
      printf '%s' '\(text)' > "$out"
      """)
    #expect(try File.read("\(fetcher(folder).folder(of: info()))/a.gz") == content)
    #expect(folder.contents("cache/tiny") == [".lock", "a.gz"])
  }

  /// Killed in the middle of any way, it leaves no half file under a final name, and the next call ends well.
  @Test func whatAKilledProcessLeftIsTakenUpOrRemoved() throws {
    let folder = try DataFolder()
    try folder.write("cache/tiny/.apt-4711/files/a.gz", Array(content.prefix(9)))
    try folder.write("cache/tiny/a.gz.part", Array(content.prefix(9)))
    let rest = String(decoding: content.dropFirst(9), as: UTF8.self)
    try folder.tool("curl", "while [ \"$1\" != -o ]; do shift; done; printf '%s' '\(rest)' >> \"$2\"")
    let fetcher = fetcher(folder)
    #expect(!fetcher.isPresent(info()))
    #expect(try File.read("\(fetcher.folder(of: info()))/a.gz") == content)
    #expect(folder.contents("cache/tiny") == [".lock", "a.gz"])
  }

  @Test func filesMayHaveAddressesOfTheirOwn() throws {
    let folder = try DataFolder()
    let own = DatasetInfo(
      name: "two", source: "", licence: "", url: "https://example.invalid/two",
      files: [
        DatasetInfo.File("a", byteCount: 1, sha256: SHA256.hex([97]), url: "https://elsewhere.invalid/x?y=a"),
        DatasetInfo.File("b", byteCount: 1, sha256: SHA256.hex([98])),
      ], splits: [])
    try folder.tool(
      "curl",
      """
      while [ $# -gt 1 ]; do case "$1" in -o) out=$2; shift;; esac; shift; done
      case "$1" in https://elsewhere.invalid/x?y=a) printf a > "$out";; https://example.invalid/two/b) printf b > "$out";; esac
      """)
    let place = try fetcher(folder).folder(of: own)
    #expect(try File.read("\(place)/a") == [97] && File.read("\(place)/b") == [98])
  }

  @Test func twoThatFetchAtOnceTakeTurns() throws {
    let folder = try DataFolder()
    let text = String(decoding: content, as: UTF8.self)
    // A second curl at the same time, or a second one at all, would leave a second line.
    try folder.tool(
      "curl",
      "echo run >> runs; while [ \"$1\" != -o ]; do shift; done; sleep 0.2; printf '%s' '\(text)' > \"$2\"")
    let fetcher = fetcher(folder)
    let info = info()
    let places = try parallel([0, 1, 2], workers: 3) { _ in try fetcher.folder(of: info) }
    #expect(Set(places).count == 1)
    #expect(try File.read("\(folder.path)/cache/tiny/runs") == Array("run\n".utf8))
  }

  @Test func damagedFilesAreFound() throws {
    let folder = try DataFolder()
    try folder.write("cache/tiny/a.gz", content)
    #expect(try !fetcher(folder).removeDamaged(info()))
    try folder.write("cache/tiny/a.gz", content.reversed())
    #expect(try fetcher(folder).removeDamaged(info()))
    #expect(folder.contents("cache/tiny") == [])
  }

  /// The real thing, where it's there or can be had.
  @Test func fashionMNIST() throws {
    let sets: (train: ImageDataset, test: ImageDataset)
    do {
      sets = try FashionMNIST.load()
    } catch {
      // Without network the reason must say what to do.
      #expect("\(error)".contains("install the Debian package dataset-fashion-mnist"))
      return
    }
    #expect([sets.train.count, sets.test.count] == FashionMNIST.info.splits.map(\.count))
    #expect(sets.train.classCounts == Array(repeating: 6_000, count: 10))
    #expect(sets.test.classCounts == Array(repeating: 1_000, count: 10))
    #expect((sets.train.height, sets.train.width, sets.train.channels) == (28, 28, 1))
    // NumPy's statistics of the test pictures.
    let normalization = sets.test.normalization()
    #expect(abs(normalization.mean[0] - 0.286849) < 1e-5)
    #expect(abs(normalization.deviation[0] - 0.352444) < 1e-5)
  }
}
