/// Where data comes from and on which terms; for reports and `pinion data`.
public struct DatasetInfo: Codable, Hashable, Sendable {
  /// A file of the data set.
  public struct File: Codable, Hashable, Sendable {
    /// Path within the data set's folder, mostly a name.
    public let name: String
    /// Length in bytes.
    public let byteCount: Int
    /// SHA-256, 64 hexadecimal digits.
    public let sha256: String
    /// Address of its own; `nil` where it lies in the data set's `url`.
    public let url: String?

    public init(_ name: String, byteCount: Int, sha256: String, url: String? = nil) {
      self.name = name
      self.byteCount = byteCount
      self.sha256 = sha256
      self.url = url
    }
  }

  /// A part of the data set with a purpose of its own.
  public struct Split: Codable, Hashable, Sendable {
    /// `train`, `test`, …
    public let name: String
    /// Number of examples.
    public let count: Int

    public init(_ name: String, _ count: Int) {
      self.name = name
      self.count = count
    }
  }

  /// What an example consists of.
  public struct Field: Codable, Hashable, Sendable {
    public let name: String
    /// Element type and shape, such as `uint8 [28, 28]`.
    public let type: String
    /// What it means.
    public let meaning: String

    public init(_ name: String, _ type: String, _ meaning: String) {
      self.name = name
      self.type = type
      self.meaning = meaning
    }
  }

  /// A wheel of PyPI that has the files.
  public struct Wheel: Codable, Hashable, Sendable {
    /// Name and version of the package.
    public let package: String
    public let version: String
    /// Platform tag for which it's asked.
    public let platform: String
    /// Folder of the files in the wheel.
    public let folder: String
    /// Length of the wheel in bytes.
    public let byteCount: Int

    public init(_ package: String, _ version: String, platform: String, folder: String, byteCount: Int) {
      self.package = package
      self.version = version
      self.platform = platform
      self.folder = folder
      self.byteCount = byteCount
    }
  }

  /// Name in lower case, as in the cache folder.
  public let name: String
  /// Name for readers.
  public let title: String
  /// Who made it, and the article to cite.
  public let source: String
  /// Licence and its holder.
  public let licence: String
  /// Debian package that has the files; `nil` where there is none.
  public let package: String?
  /// Folder of the files in an installed package.
  public let packageFolder: String
  /// Wheel that has the files; `nil` where there is none.
  public let wheel: Wheel?
  /// Address of the folder that has the files.
  public let url: String
  /// Files in the order in which they're fetched.
  public let files: [File]
  /// Parts with the number of their examples.
  public let splits: [Split]
  /// What an example consists of.
  public let schema: [Field]
  /// How a program reads it, such as `FashionMNIST.load()`.
  public let loader: String
  /// The user's own folder or file, which is never fetched; `nil` for sets in the cache folder.
  public let path: String?
  /// The statement that the package comes with; all is open in that of a user's set.
  public let statement: DataStatement

  public init(
    name: String, title: String = "", source: String, licence: String, package: String? = nil,
    packageFolder: String = "", wheel: Wheel? = nil, url: String, files: [File], splits: [Split],
    schema: [Field] = [], loader: String = "", path: String? = nil, statement: DataStatement = DataStatement()
  ) {
    self.name = name
    self.title = title.isEmpty ? name : title
    self.source = source
    self.licence = licence
    self.package = package
    self.packageFolder = packageFolder
    self.wheel = wheel
    self.url = url
    self.files = files
    self.splits = splits
    self.schema = schema
    self.loader = loader
    self.path = path
    var statement = statement
    statement.name = name
    statement.files = files.map { file in
      let address = file.url ?? (url.isEmpty ? nil : "\(url)/\(file.name)")
      return File(file.name, byteCount: file.byteCount, sha256: file.sha256, url: address)
    }
    self.statement = statement
  }

  /// Bytes of all files.
  public var byteCount: Int { files.reduce(0) { $0.addingReportingOverflow($1.byteCount).partialValue } }

  private enum CodingKeys: String, CodingKey {
    case name, title, source, licence, package, packageFolder, wheel, url, files, splits, schema, loader, path
  }

  /// A set as it was registered; its statement lies in a file of its own.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      name: values.decode(String.self, forKey: .name), title: values.decode(String.self, forKey: .title),
      source: values.decode(String.self, forKey: .source), licence: values.decode(String.self, forKey: .licence),
      package: values.decodeIfPresent(String.self, forKey: .package),
      packageFolder: values.decode(String.self, forKey: .packageFolder),
      wheel: values.decodeIfPresent(Wheel.self, forKey: .wheel),
      url: values.decode(String.self, forKey: .url), files: values.decode([File].self, forKey: .files),
      splits: values.decode([Split].self, forKey: .splits), schema: values.decode([Field].self, forKey: .schema),
      loader: values.decode(String.self, forKey: .loader), path: values.decodeIfPresent(String.self, forKey: .path))
  }
}
