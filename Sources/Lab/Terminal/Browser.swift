import Foundation

/// Shows a file or a page in the user's browser; a machine without one has it still.
public func openInBrowser(_ url: URL) {
  #if os(macOS)
    let opener = "open"
  #else
    let opener = "xdg-open"
  #endif
  let shown = url.isFileURL ? url.path : url.absoluteString
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [opener, shown]
  process.standardOutput = FileHandle.nullDevice
  process.standardError = FileHandle.nullDevice
  let started = (try? process.run()) != nil
  if started { process.waitUntilExit() }
  if !started || process.terminationStatus != 0 {
    Terminal.standardError.write("pinion: no program here opens \(shown)\n")
  }
}
