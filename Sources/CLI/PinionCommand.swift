import ArgumentParser

@main struct PinionCommand: ParsableCommand {}
