import GRDB

/// Tables of a store of runs.
enum RunSchema {
  /// Steps from an empty file to the tables of this version. A step that has shipped never changes; new ones follow it.
  static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("runs") { try $0.execute(sql: first) }
    migrator.registerMigration("gate") { try $0.execute(sql: "ALTER TABLE run ADD COLUMN gate TEXT") }
    return migrator
  }()

  /// `option.value` is the text that `--set` takes. A value that isn't a number is NULL, as SQLite has no NaN.
  /// `series.lastStep` and `lastValue` repeat the last point, so that sorting by a metric reads no points.
  private static let first = """
    CREATE TABLE run (
      key INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      experiment TEXT NOT NULL,
      scale TEXT NOT NULL,
      seed INTEGER NOT NULL,
      state TEXT NOT NULL,
      started REAL NOT NULL,
      ended REAL,
      seconds REAL NOT NULL,
      threads INTEGER NOT NULL,
      codeVersion TEXT NOT NULL,
      machine TEXT NOT NULL,
      options TEXT NOT NULL,
      error TEXT
    );
    CREATE INDEX runByStart ON run (started);
    CREATE INDEX runByExperiment ON run (experiment, started);
    CREATE INDEX runByState ON run (state);

    CREATE TABLE option (
      run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (run, name)
    ) WITHOUT ROWID;
    CREATE INDEX optionByValue ON option (name, value);

    CREATE TABLE claim (
      run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
      place INTEGER NOT NULL,
      name TEXT NOT NULL,
      measured REAL,
      threshold REAL,
      verdict TEXT NOT NULL,
      json TEXT NOT NULL,
      PRIMARY KEY (run, place)
    ) WITHOUT ROWID;
    CREATE INDEX claimByName ON claim (name, run, measured);

    CREATE TABLE series (
      key INTEGER PRIMARY KEY,
      run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
      metric TEXT NOT NULL,
      name TEXT NOT NULL,
      lastStep INTEGER NOT NULL,
      lastValue REAL,
      UNIQUE (run, metric, name)
    );
    CREATE INDEX seriesByMetric ON series (metric, run, lastValue);

    CREATE TABLE point (
      series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
      step INTEGER NOT NULL,
      value REAL,
      PRIMARY KEY (series, step)
    ) WITHOUT ROWID;

    CREATE TABLE artifact (
      run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
      name TEXT NOT NULL,
      type TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      byteCount INTEGER NOT NULL,
      PRIMARY KEY (run, name)
    ) WITHOUT ROWID;
    CREATE INDEX artifactByHash ON artifact (sha256);
    """
}
