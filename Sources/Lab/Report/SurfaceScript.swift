/// The script that makes still pictures of surfaces into ones that turn; WebGL 2, nothing from outside.
enum SurfaceScript {
  static let text = """
    function drawSurfaces(root) {
      for (const data of root.querySelectorAll("script[data-surface]")) {
        try { drawSurface(document.getElementById(data.dataset.surface), JSON.parse(data.textContent)); }
        catch (error) { console.warn("The surface stays a still picture: " + error.message); }
      }
    }

    function drawSurface(place, data) {
      const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer;
      const positions = new Float32Array(bytes(data.positions)), values = new Float32Array(bytes(data.values));
      const corners = new Uint32Array(bytes(data.corners)), count = values.length;
      const normals = new Float32Array(3 * count);
      for (let t = 0; t < corners.length; t += 3) {
        const [a, b, c] = [3 * corners[t], 3 * corners[t + 1], 3 * corners[t + 2]];
        const u = [0, 1, 2].map(i => positions[b + i] - positions[a + i]);
        const v = [0, 1, 2].map(i => positions[c + i] - positions[a + i]);
        const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        for (const vertex of [a, b, c]) for (let i = 0; i < 3; i++) normals[vertex + i] += n[i];
      }
      const image = place.querySelector("img"), canvas = document.createElement("canvas");
      const gl = canvas.getContext("webgl2", {alpha: true, antialias: true, premultipliedAlpha: true,
        preserveDrawingBuffer: true});
      if (!gl) throw new Error("this browser has no WebGL 2");
      const shader = (kind, source) => {
        const part = gl.createShader(kind);
        gl.shaderSource(part, source);
        gl.compileShader(part);
        if (!gl.getShaderParameter(part, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(part));
        return part;
      };
      const program = gl.createProgram();
      gl.attachShader(program, shader(gl.VERTEX_SHADER, `#version 300 es
        in vec3 position; in vec3 normal; in float value;
        uniform mat3 turn; uniform vec2 scale; out vec3 n; out float v;
        void main() { vec3 p = turn * position; n = turn * normal; v = value;
          gl_Position = vec4(p.xy * scale, -0.5 * p.z, 1.0); }`));
      gl.attachShader(program, shader(gl.FRAGMENT_SHADER, `#version 300 es
        precision highp float; in vec3 n; in float v; uniform float limit; out vec4 colour;
        void main() { float t = clamp(v / limit, -1.0, 1.0);
          vec3 end = t < 0.0 ? vec3(0.74, 0.11, 0.16) : vec3(0.13, 0.31, 0.75);
          vec3 base = mix(vec3(0.95, 0.94, 0.93), end, pow(abs(t), 0.8));
          float bright = 0.45 + 0.6 * max(0.0, dot(normalize(n), vec3(-0.35, 0.5, 0.79)));
          colour = vec4(min(base * bright, 1.0), 1.0); }`));
      gl.linkProgram(program);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
      gl.useProgram(program);
      for (const [name, size, numbers] of [["position", 3, positions], ["normal", 3, normals], ["value", 1, values]]) {
        gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
        gl.bufferData(gl.ARRAY_BUFFER, numbers, gl.STATIC_DRAW);
        const at = gl.getAttribLocation(program, name);
        gl.enableVertexAttribArray(at);
        gl.vertexAttribPointer(at, size, gl.FLOAT, false, 0, 0);
      }
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, corners, gl.STATIC_DRAW);
      gl.enable(gl.DEPTH_TEST);
      gl.enable(gl.CULL_FACE);

      // Columns of the rotation, as WebGL takes them.
      const about = (axis, angle) => {
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        return axis === 1 ? [c, 0, -s, 0, 1, 0, s, 0, c] : [1, 0, 0, 0, c, s, 0, -s, c];
      };
      const product = (a, b) => Array.from({length: 9}, (_, k) =>
        [0, 1, 2].reduce((sum, i) => sum + a[3 * i + k % 3] * b[3 * (k - k % 3) / 3 + i], 0));
      const start = product(about(0, 0.35), about(1, 0.5));
      let turn = start, zoom = 1;
      const scale = () => {
        const size = 0.96 * zoom * Math.min(canvas.width, canvas.height);
        return [size / canvas.width, size / canvas.height];
      };
      const draw = () => {
        gl.viewport(0, 0, canvas.width, canvas.height);
        gl.clearColor(0, 0, 0, 0);
        gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
        gl.uniformMatrix3fv(gl.getUniformLocation(program, "turn"), false, turn);
        gl.uniform2fv(gl.getUniformLocation(program, "scale"), scale());
        gl.uniform1f(gl.getUniformLocation(program, "limit"), data.limit);
        gl.drawElements(gl.TRIANGLES, corners.length, gl.UNSIGNED_INT, 0);
      };
      const rotate = (x, y) => { turn = product(about(0, y), product(about(1, x), turn)); draw(); };
      const enlarge = factor => { zoom = Math.min(12, Math.max(0.5, zoom * factor)); draw(); };
      const reset = () => { turn = start; zoom = 1; draw(); };

      canvas.tabIndex = 0;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", image.alt + " Arrow keys turn it, plus and minus enlarge it, Home brings it back.");
      const keys = {ArrowLeft: () => rotate(-0.12, 0), ArrowRight: () => rotate(0.12, 0), ArrowUp: () => rotate(0, -0.12),
        ArrowDown: () => rotate(0, 0.12), "+": () => enlarge(1.2), "=": () => enlarge(1.2), "-": () => enlarge(1 / 1.2),
        Home: reset};
      canvas.addEventListener("keydown", event => {
        if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        keys[event.key]();
      });
      const fingers = new Map();
      const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
      canvas.addEventListener("pointerdown", event => {
        fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
        canvas.setPointerCapture(event.pointerId);
      });
      canvas.addEventListener("pointermove", event => {
        const last = fingers.get(event.pointerId);
        if (!last) { read(event); return; }
        const before = fingers.size === 2 ? spread() : 0;
        const move = [event.clientX - last.x, event.clientY - last.y];
        fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
        if (fingers.size === 1) rotate(move[0] / 140 / zoom, move[1] / 140 / zoom);
        else if (fingers.size === 2 && before > 0) enlarge(spread() / before);
      });
      for (const end of ["pointerup", "pointercancel"])
        canvas.addEventListener(end, event => fingers.delete(event.pointerId));
      // A wheel over a picture that wasn't chosen scrolls the page.
      canvas.addEventListener("wheel", event => {
        if (document.activeElement !== canvas) return;
        event.preventDefault();
        enlarge(Math.exp(-event.deltaY / 400));
      }, {passive: false});
      canvas.addEventListener("dblclick", reset);

      const reading = document.createElement("output");
      const hint = "Drag to turn, + and − or the wheel to enlarge, double-click for the first view";
      reading.textContent = hint;
      canvas.addEventListener("pointerleave", () => { reading.textContent = hint; });
      // The value of the frontmost vertex under the pointer.
      const read = event => {
        const box = canvas.getBoundingClientRect(), [sx, sy] = scale();
        const x = 2 * (event.clientX - box.left) / box.width - 1, y = 1 - 2 * (event.clientY - box.top) / box.height;
        let best = -Infinity, found = -1;
        const row = k => [turn[k], turn[3 + k], turn[6 + k]], rows = [0, 1, 2].map(row);
        const at = (numbers, i, r) => r[0] * numbers[3 * i] + r[1] * numbers[3 * i + 1] + r[2] * numbers[3 * i + 2];
        for (let i = 0; i < count; i++) {
          const dx = (at(positions, i, rows[0]) * sx - x) / sx, dy = (at(positions, i, rows[1]) * sy - y) / sy;
          if (dx * dx + dy * dy > 0.0016 / zoom / zoom || at(normals, i, rows[2]) < 0) continue;
          const depth = at(positions, i, rows[2]) - 4 * Math.hypot(dx, dy);
          if (depth > best) { best = depth; found = i; }
        }
        reading.textContent = found < 0 ? hint
          : values[found].toPrecision(3).replace("-", "−") + " " + place.dataset.unit;
      };
      image.replaceWith(canvas);
      place.append(reading);
      new ResizeObserver(() => {
        canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
        canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
        draw();
      }).observe(canvas);
    }
    """
}
