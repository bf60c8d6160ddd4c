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
  ],
  targets: [
    .target(
      name: "Dashboard",
      dependencies: [
        .product(name: "Lab", package: "Pinion"), .product(name: "Papers", package: "Pinion"),
        .product(name: "Hummingbird", package: "hummingbird"),
      ]),
    .executableTarget(
      name: "DashboardProgram",
      dependencies: ["Dashboard", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .testTarget(
      name: "DashboardTests",
      dependencies: ["Dashboard", .product(name: "HummingbirdTesting", package: "hummingbird")]),
  ],
  swiftLanguageModes: [.v6]
)
