/// Where data comes from and on which terms; for reports and `pinion data`.
public struct DatasetInfo: Hashable, Sendable {
  /// A file of the data set.
  public struct File: Hashable, Sendable {
    /// Name without folder.
    public let name: String
    /// Length in bytes.
    public let byteCount: Int
    /// SHA-256, 64 hexadecimal digits.
    public let sha256: String

    public init(_ name: String, byteCount: Int, sha256: String) {
      self.name = name
      self.byteCount = byteCount
      self.sha256 = sha256
    }
  }

  /// A part of the data set with a purpose of its own.
  public struct Split: Hashable, Sendable {
    /// `train`, `test`, …
    public let name: String
    /// Number of examples.
    public let count: Int

    public init(_ name: String, _ count: Int) {
      self.name = name
      self.count = count
    }
  }

  /// Name in lower case, as in the cache folder.
  public let name: String
  /// Who made it, and the article to cite.
  public let source: String
  /// Licence and its holder.
  public let licence: String
  /// Debian package that has the files; `nil` where there is none.
  public let package: String?
  /// Folder of the files in an installed package.
  public let packageFolder: String
  /// Address of the folder that has the files.
  public let url: String
  /// Files in the order in which they're fetched.
  public let files: [File]
  /// Parts with the number of their examples.
  public let splits: [Split]

  public init(
    name: String, source: String, licence: String, package: String?, packageFolder: String, url: String, files: [File],
    splits: [Split]
  ) {
    self.name = name
    self.source = source
    self.licence = licence
    self.package = package
    self.packageFolder = packageFolder
    self.url = url
    self.files = files
    self.splits = splits
  }

  /// Bytes of all files.
  public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }
}
