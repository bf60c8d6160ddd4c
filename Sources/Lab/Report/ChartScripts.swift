import Foundation

/// The scripts that draw charts: vega, vega-lite, vega-embed.
public struct ChartScripts: Sendable {
  /// Texts of the scripts in the order in which a page loads them.
  public let sources: [String]
  /// Folder they were read from.
  public let folder: URL

  /// File names in the order in which a page loads them.
  public static let names = ["vega.js", "vega-lite.js", "vega-embed.js"]

  /// Folders that are searched: `PINION_CHARTS`, `.pinion/charts` here or in the checkout, the user's cache.
  public static func searchPath(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> [URL] {
    var folders: [URL] = []
    if let folder = environment["PINION_CHARTS"], !folder.isEmpty { folders.append(URL(fileURLWithPath: folder)) }
    folders.append(URL(fileURLWithPath: ".pinion/charts"))
    if let root = environment["PINION_ROOT"] { folders.append(URL(fileURLWithPath: root + "/.pinion/charts")) }
    let home = FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache").path
    let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home
    folders.append(URL(fileURLWithPath: cache + "/pinion/charts"))
    return folders
  }

  /// The scripts of the first folder that has all of them; nil where none has.
  public static func locate(in folders: [URL] = searchPath()) -> ChartScripts? {
    for folder in folders {
      let sources = names.compactMap { try? String(contentsOf: folder.appending(path: $0), encoding: .utf8) }
      if sources.count == names.count { return ChartScripts(sources: sources, folder: folder) }
    }
    return nil
  }
}
