/** Draws a picture as it would look from another camera, with WebGL. */
import { clipFromEye, eye, multiply, subtract, dot, right, up, back, type Camera, type Mat4 } from '../camera.js';
import { COLUMNS, POINTS, ROWS } from './depth.js';

const VERTEX = `
attribute vec2 at;
attribute float depth;
uniform vec2 reach;
uniform mat4 clip_from_source;
varying vec2 place;
void main() {
  place = at;
  vec2 side = vec2(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0) * reach;
  gl_Position = clip_from_source * vec4(side * depth, -depth, 1.0);
}`;

const FRAGMENT = `
precision mediump float;
uniform sampler2D picture;
varying vec2 place;
void main() {
  gl_FragColor = vec4(texture2D(picture, place).rgb, 1.0);
}`;

const SKY_VERTEX = `
attribute vec2 at;
varying float height;
void main() {
  height = 1.0 - at.y;
  gl_Position = vec4(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 1.0, 1.0);
}`;

// As the host shades its background (sky.wgsl).
const SKY_FRAGMENT = `
precision mediump float;
uniform vec3 top;
uniform vec3 bottom;
varying float height;
void main() {
  float t = height;
  gl_FragColor = vec4(mix(bottom, top, t * t * (3.0 - 2.0 * t)), 1.0);
}`;

/** Corners of the triangles of the grid. */
const MESH = COLUMNS * ROWS * 6;

/** Red, green, blue, 0 to 1. */
export type Colour = readonly [number, number, number];

/** The column-by-column matrix from eye space of one camera to clip space of another, and to the depth that WebGL has. */
export function clipFromSource(source: Camera, shown: Camera, aspect: number): Mat4 {
  // Between the two eyes only, so that a large world costs no digits.
  const away = subtract(eye(source), eye(shown));
  const rows = [right(shown), up(shown), back(shown)] as const;
  const columns = [right(source), up(source), back(source)] as const;
  const turn: number[] = [];
  for (const column of columns) turn.push(...rows.map((row) => dot(row, column)), 0);
  turn.push(...rows.map((row) => dot(row, away)), 1);
  // The host's depth is 1 at the near plane and 0 far away; that of WebGL is -1 and 1.
  const turned: Mat4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -2, 0, 0, 0, 1, 1];
  return multiply(turned, multiply(clipFromEye(shown, aspect), turn));
}

/** Needs WebGL; {@link Warp.create} gives null without. */
export class Warp {
  private readonly picture: WebGLTexture | null;
  private readonly depths: WebGLBuffer | null;
  private readonly places: Record<'top' | 'bottom' | 'reach' | 'matrix', WebGLUniformLocation | null>;
  private source: Camera | null = null;

  private constructor(
    private readonly gl: WebGLRenderingContext,
    private readonly mesh: WebGLProgram,
    private readonly sky: WebGLProgram,
  ) {
    this.places = {
      top: gl.getUniformLocation(sky, 'top'),
      bottom: gl.getUniformLocation(sky, 'bottom'),
      reach: gl.getUniformLocation(mesh, 'reach'),
      matrix: gl.getUniformLocation(mesh, 'clip_from_source'),
    };
    const points = new Float32Array(POINTS * 2);
    for (let y = 0, i = 0; y <= ROWS; y++) {
      for (let x = 0; x <= COLUMNS; x++, i += 2) points.set([x / COLUMNS, y / ROWS], i);
    }
    const triangles = new Uint16Array(MESH + 6);
    for (let y = 0, i = 0; y < ROWS; y++) {
      for (let x = 0; x < COLUMNS; x++, i += 6) {
        const [a, b] = [y * (COLUMNS + 1) + x, (y + 1) * (COLUMNS + 1) + x];
        triangles.set([a, b, a + 1, a + 1, b, b + 1], i);
      }
    }
    // And the whole picture, for what lies behind.
    const [side, bottom] = [COLUMNS, ROWS * (COLUMNS + 1)];
    triangles.set([0, bottom, side, side, bottom, bottom + side], MESH);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, points, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    this.depths = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.depths);
    gl.bufferData(gl.ARRAY_BUFFER, POINTS * 4, gl.DYNAMIC_DRAW);
    gl.vertexAttribPointer(1, 1, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    this.picture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.picture);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const size of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, size, gl.LINEAR);
  }

  static create(canvas: HTMLCanvasElement): Warp | null {
    const gl = canvas.getContext('webgl', { alpha: false, antialias: false, depth: true, stencil: false });
    if (!gl) return null;
    const mesh = program(gl, VERTEX, FRAGMENT);
    const sky = program(gl, SKY_VERTEX, SKY_FRAGMENT);
    return mesh && sky ? new Warp(gl, mesh, sky) : null;
  }

  /** Drawn by the processor, for which every pixel counts. */
  get isSoftware(): boolean {
    const { gl } = this;
    const named = gl.getExtension('WEBGL_debug_renderer_info');
    const name: unknown = gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    return /swiftshader|llvmpipe|software|basic render/i.test(String(name));
  }

  get isLost(): boolean {
    return this.gl.isContextLost();
  }

  /** Takes a picture, from where it was drawn, and how far away things are in it (see `depth.ts`). */
  take(video: TexImageSource, source: Camera, depths: Float32Array): void {
    const { gl } = this;
    this.source = source;
    gl.bindTexture(gl.TEXTURE_2D, this.picture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, video);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.depths);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, depths);
  }

  /** Draws it as seen by another camera. What is not in the picture has the colours of the background. */
  draw(shown: Camera, [width, height]: readonly [number, number], [top, bottom]: readonly [Colour, Colour]): void {
    const { gl, source } = this;
    if (!source) return;
    gl.viewport(0, 0, width, height);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.clear(gl.DEPTH_BUFFER_BIT);
    gl.useProgram(this.mesh);
    gl.enableVertexAttribArray(1);
    const aspect = width / Math.max(height, 1);
    const tan = Math.tan(source.fovY / 2);
    gl.uniform2f(this.places.reach, tan * aspect, tan);
    gl.uniformMatrix4fv(this.places.matrix, false, new Float32Array(clipFromSource(source, shown, aspect)));
    gl.drawElements(gl.TRIANGLES, MESH, gl.UNSIGNED_SHORT, 0);
    // Behind everything, so that only what the picture leaves open is shaded.
    gl.useProgram(this.sky);
    gl.disableVertexAttribArray(1);
    gl.uniform3fv(this.places.top, [...top]);
    gl.uniform3fv(this.places.bottom, [...bottom]);
    gl.drawElements(gl.TRIANGLES, 6, gl.UNSIGNED_SHORT, MESH * Uint16Array.BYTES_PER_ELEMENT);
  }
}

function program(gl: WebGLRenderingContext, vertex: string, fragment: string): WebGLProgram | null {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const) {
    const shader = gl.createShader(kind);
    if (!made || !shader) return null;
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  if (!made) return null;
  gl.bindAttribLocation(made, 0, 'at');
  gl.bindAttribLocation(made, 1, 'depth');
  gl.linkProgram(made);
  return gl.getProgramParameter(made, gl.LINK_STATUS) ? made : null;
}
