// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that the build of Pinion never waits for a web server.
let package = Package(
  name: "Dashboard",
  platforms: [.macOS(.v14)],
  products: [
    .executable(name: "pinion-dashboard", targets: ["DashboardProgram"])
  ],
  dependencies: [
    .package(name: "Pinion", path: ".."),
    .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.0.0"),
  ],
  targets: [
    .target(
      name: "Dashboard",
      dependencies: [
        .product(name: "Lab", package: "Pinion"), .product(name: "Papers", package: "Pinion"),
        .product(name: "Formats", package: "Pinion"), .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"), .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      resources: ["icon.svg", "page.css", "page.js", "run.js", "runs.js"].map { .embedInCode("Static/\($0)") }),
    .executableTarget(
      name: "DashboardProgram",
      dependencies: [
        "Dashboard", .product(name: "Lab", package: "Pinion"), .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // Stands in for pinion-cli: an experiment that takes as long as a test wants.
    .executableTarget(
      name: "CountingProgram", dependencies: [.product(name: "Lab", package: "Pinion")], path: "Tests/CountingProgram"),
    .testTarget(
      name: "DashboardTests",
      dependencies: [
        "Dashboard", "CountingProgram", "DashboardProgram", .product(name: "Lab", package: "Pinion"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
