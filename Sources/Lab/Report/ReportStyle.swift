/// How reports look.
public enum ReportStyle {
  /// The style sheet: light and dark by the reader's setting, light on paper.
  public static let sheet = """

    :root { color-scheme: light dark;
      --paper: #ffffff; --ink: #1b1f27; --muted: #5f6775; --line: #e2e5ea; --soft: #f5f6f8; --link: #1c5bd0;
      --holds: #14713d; --holds-soft: #e1f5e8; --fails: #b3261e; --fails-soft: #fde7e5; --open: #775500; --open-soft: #fbf1d5;
      --series-1: #2867c9; --series-2: #d9691a; --series-3: #14907f; --series-4: #b23a84; --series-5: #7c5cc4;
      --series-6: #a88400; --series-7: #6d7685; --series-8: #c0392b;
      --series-9: #5d8a1f; --series-10: #8a5a3c; --on-series: #ffffff; }
    @media screen and (prefers-color-scheme: dark) { :root {
      --paper: #14171c; --ink: #e8eaee; --muted: #9aa3b2; --line: #2c323c; --soft: #1d2129; --link: #8ab4ff;
      --holds: #7ddba0; --holds-soft: #15331f; --fails: #ff9d94; --fails-soft: #3d1c1a; --open: #ecc965; --open-soft: #362c12;
      --series-1: #5b96f5; --series-2: #f0924e; --series-3: #3cbfab; --series-4: #e077b5;
      --series-5: #a68bea; --series-6: #d4b43c; --series-7: #98a1b0; --series-8: #ee7b6f;
      --series-9: #9cc45a; --series-10: #c69a7c; --on-series: #0d1320; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
    main { max-width: 920px; margin: 0 auto; padding: 56px 24px 80px; }
    h1 { font-size: 2.1rem; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 8px; text-wrap: balance; }
    h2 { font-size: 1.25rem; line-height: 1.3; margin: 48px 0 12px; }
    p { margin: 0 0 14px; max-width: 72ch; }
    ul { margin: 0 0 14px; padding-left: 22px; max-width: 72ch; }
    a { color: var(--link); }
    code, pre { font: 0.9em/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", Consolas, monospace; }
    code { background: var(--soft); padding: 1px 5px; border-radius: 4px; }
    pre { background: var(--soft); padding: 14px 16px; border-radius: 8px; overflow-x: auto; white-space: pre-wrap; }
    pre code { padding: 0; background: none; }
    .kicker { color: var(--muted); font-size: 0.85rem; margin-bottom: 10px; }
    .credits { color: var(--muted); margin-bottom: 18px; }
    .lead { font-size: 1.15rem; line-height: 1.5; margin-bottom: 0; }
    .state { margin: 18px 0 0; padding: 10px 14px; border-radius: 8px; background: var(--open-soft); color: var(--open); }
    .state.blocking { background: var(--fails-soft); color: var(--fails); }
    .state p:last-child { margin-bottom: 0; }
    .note { color: var(--muted); font-size: 0.85rem; line-height: 1.45; }
    .caption, figcaption { color: var(--muted); font-size: 0.88rem; line-height: 1.45; margin-top: 8px; }
    .scroll { overflow-x: auto; margin: 0 0 14px; }
    table { border-collapse: collapse; width: 100%; font-size: 0.92rem; line-height: 1.45;
      font-variant-numeric: tabular-nums; }
    th, td { text-align: left; vertical-align: top; padding: 8px 16px 8px 0; border-bottom: 1px solid var(--line); }
    th:last-child, td:last-child { padding-right: 0; }
    thead th { color: var(--muted); font-weight: 500; font-size: 0.83rem; }
    .right { text-align: right; }
    .claims th[scope=row] { font-weight: 600; min-width: 15em; }
    .claims .note { display: block; font-weight: 400; }
    .claims span.number { display: block; }
    .claims .number { font-weight: 600; white-space: nowrap; }
    .verdict { display: inline-block; padding: 1px 10px; border-radius: 99px; font-size: 0.85rem; font-weight: 600;
      white-space: nowrap; }
    .verdict.holds { color: var(--holds); background: var(--holds-soft); }
    .verdict.fails { color: var(--fails); background: var(--fails-soft); }
    .verdict.informative { color: var(--open); background: var(--open-soft); }
    figure { margin: 0 0 28px; }
    .chart { width: 100%; }
    .chart svg { max-width: 100%; }
    .vega-embed { width: 100%; font-family: inherit; }
    .vega-embed > details > summary { opacity: 0.45 !important; background: var(--soft) !important;
      border-color: var(--line) !important; box-shadow: none !important; color: var(--ink) !important; }
    #vg-tooltip-element { background: var(--paper) !important; color: var(--ink) !important;
      border-color: var(--line) !important; font-family: inherit !important; }
    #vg-tooltip-element td.key { color: var(--muted) !important; }
    .drawing { display: block; max-width: 100%; height: auto; font-family: inherit; }
    .surface img, .surface canvas { display: block; width: 100%; max-width: 640px; aspect-ratio: 4 / 3; margin: 0 auto; }
    .surface canvas { cursor: grab; touch-action: pan-y; border-radius: 8px; }
    .surface canvas:focus { touch-action: none; outline: 2px solid var(--link); outline-offset: 2px; }
    .surface canvas:active { cursor: grabbing; }
    .surface-bar { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; justify-content: center;
      margin-top: 10px; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
    .surface-colours { width: min(220px, 40vw); height: 12px; border-radius: 3px; border: 1px solid var(--line);
      print-color-adjust: exact; background: linear-gradient(90deg, rgb(189, 28, 41), rgb(211, 116, 122) 27%,
        rgb(242, 240, 237), rgb(127, 157, 212) 73%, rgb(33, 79, 191)); }
    .surface output { display: block; text-align: center; color: var(--muted); font-size: 0.85rem; margin-top: 4px; }
    .grid { display: grid; gap: 14px; }
    \(columns)
    .grid figure { margin: 0; }
    .grid figcaption { margin-top: 4px; font-size: 0.8rem; overflow-wrap: anywhere; }
    .grid img { width: 100%; }
    audio { display: block; width: 100%; min-width: 0; }
    img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
    .pixels { image-rendering: pixelated; }
    details > summary { cursor: pointer; color: var(--muted); font-size: 0.85rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0 0 14px; font-size: 0.92rem; }
    dt { color: var(--muted); }
    dd { margin: 0; overflow-wrap: anywhere; }
    @media (max-width: 560px) { main { padding: 28px 16px 48px; } h1 { font-size: 1.6rem; }
      .claims th[scope=row] { min-width: 9em; }
      .sounds { grid-template-columns: 1fr !important; } }
    @media print { main { max-width: none; padding: 0; } body { font-size: 11pt; }
      figure, tr, pre { break-inside: avoid; } h2 { break-after: avoid; }
      .vega-embed details, figure > details, audio { display: none; }
      .scroll { overflow: visible; } th, td { overflow-wrap: anywhere; padding-right: 10px; }
      .verdict { border: 1px solid currentColor; } }

    """

  private static let columns = (1...16).map {
    ".columns-\($0) { grid-template-columns: repeat(\($0), minmax(0, 1fr)); }"
  }.joined(separator: "\n    ")

  /// A script with a function that draws the charts of a page, or of a part of one; Vega's scripts come before it.
  ///
  /// Expressions are interpreted instead of compiled, so that a page's policy can forbid to make code of text.
  public static let drawing = """
    const chartConfig = {
      background: "transparent", font: "system-ui, sans-serif", view: {stroke: null},
      title: {anchor: "start", fontSize: 14, fontWeight: 600, color: "var(--ink)", offset: 12},
      axis: {labelColor: "var(--muted)", titleColor: "var(--ink)", titleFontWeight: 500, gridColor: "var(--line)",
        domainColor: "var(--line)", tickColor: "var(--line)", labelFontSize: 11.5, titleFontSize: 12.5, titlePadding: 8},
      legend: {labelColor: "var(--ink)", labelFontSize: 12.5, symbolType: "circle", symbolOpacity: 1},
      header: {labelColor: "var(--ink)", labelFontSize: 12.5}};

    // Draws a chart; gives its view, or nothing where that fails.
    function drawChart(place, specification, options = {}) {
      return vegaEmbed(place, specification, {mode: "vega-lite", renderer: "svg", ast: true, config: chartConfig,
        actions: {export: true, source: false, compiled: false, editor: false}, ...options})
        .catch(error => { place.textContent = "The chart can't be drawn: " + error.message; });
    }

    function drawCharts(root, options = {}) {
      for (const data of root.querySelectorAll("script[data-chart]")) {
        drawChart(document.getElementById(data.dataset.chart), JSON.parse(data.textContent), options);
      }
    }
    """
}
