// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "Pinion",
  products: [
    .library(name: "Pinion", targets: ["Pinion"]),
    .library(name: "NN", targets: ["NN"]),
    .library(name: "Formats", targets: ["Formats"]),
    .library(name: "Lab", targets: ["Lab"]),
    .library(name: "Papers", targets: ["Papers"]),
    .executable(name: "pinion-cli", targets: ["CLI"]),
    .executable(name: "pinion-bench", targets: ["Bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .target(name: "CPJRT"),
    .target(name: "PJRT", dependencies: ["CPJRT"]),
    .target(name: "Kernels", dependencies: ["CPJRT"]),
    .target(
      name: "Pinion", dependencies: ["PJRT", "Kernels", .product(name: "ComplexModule", package: "swift-numerics")]),
    .target(name: "NN", dependencies: ["Pinion"]),
    .target(name: "CFormats"),
    .target(name: "Formats", dependencies: ["Pinion", "PJRT", "CFormats"]),
    .target(
      name: "Lab", dependencies: ["NN", "Formats", "PJRT", .product(name: "GRDB", package: "GRDB.swift")]),
    .target(
      name: "Papers",
      dependencies: ["Lab", "Kernels", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      exclude: [
        "TNT/README.md", "DataSharing/README.md", "OneStageGAN/README.md", "Jarzynski/README.md",
        "SpectralPCA/README.md", "BEMFMM/README.md",
      ]),
    .executableTarget(
      name: "CLI",
      dependencies: [
        "Papers", "Lab", "Formats", "Pinion", "PJRT",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(
      name: "Bench",
      dependencies: [
        "Papers", "Lab", "NN", "Formats", "Pinion", "PJRT",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Benchmarks/swift"),
    .testTarget(name: "PJRTTests", dependencies: ["PJRT", "CPJRT"]),
    .testTarget(name: "PinionTests", dependencies: ["Pinion"], resources: [.copy("Oracles")]),
    .testTarget(name: "NNTests", dependencies: ["NN", "Formats"], resources: [.copy("Oracles")]),
    .testTarget(name: "FormatsTests", dependencies: ["Formats"], resources: [.copy("Fixtures")]),
    .testTarget(name: "LabTests", dependencies: ["Lab", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(name: "PapersTests", dependencies: ["Papers"], resources: [.copy("Oracles")]),
    .testTarget(name: "CLITests", dependencies: ["CLI"]),
    .testTarget(name: "BenchTests", dependencies: ["Bench"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
