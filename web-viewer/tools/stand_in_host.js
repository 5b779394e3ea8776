// Runs in the page, before it: a stand-in for the host, so that the page can be looked at and worked on without one.
// It answers the signaling socket, streams a canvas over a loopback peer connection and keeps a small workspace.
// It is no test of the host; `tests/e2e` is.
(() => {
  const options = globalThis.standInHost ?? {};
  const role = options.role ?? 'engineer';
  const picture = { widthPx: 1280, heightPx: 720 };
  const sub = (a, b) => a.map((v, i) => v - b[i]);
  const dot = (a, b) => a.reduce((s, v, i) => s + v * b[i], 0);

  const device = (id, name, kind, x, z, size, properties = {}, model = 'ready') => ({
    id, name, kind, model, properties, position: [x, 0, z], rotation: [0, 0, 0, 1], scale: 1, size,
    get bounds() {
      const [px, py, pz] = this.position;
      return { min: [px - size[0] / 2, py, pz - size[2] / 2], max: [px + size[0] / 2, py + size[1], pz + size[2] / 2] };
    },
  });
  const devices = options.empty ? [] : [
    device('infeed', 'Infeed conveyor', 'conveyor', -6, 0, [4, 0.9, 0.8], { speed_m_per_s: 0.35, length_m: 4 }),
    device('robot-1', 'Robot arm 1', 'robot_arm', -3, 0.2, [1, 2, 1], { manufacturer: 'Own design', payload_kg: 12, axes: 6, in_service: true, serial: 'RA-0007' }),
    device('cell-1', 'Machining cell 1', 'machining_cell', -0.4, -0.6, [2.4, 2.1, 2], { spindle_kw: 18.5 }),
    device('robot-2', 'Robot arm 2', 'robot_arm', 2.2, 0.2, [1, 2, 1]),
    device('cell-2', 'Machining cell 2', 'machining_cell', 4.8, -0.6, [2.4, 2.1, 2], {}, 'loading'),
    device('outfeed', 'Outfeed conveyor', 'conveyor', 8, 0, [4, 0.9, 0.8]),
    device('pallet-1', 'Pallet 1', 'pallet', 11, 0, [1.2, 0.15, 0.8]),
    device('pallet-2', 'Pallet 2', 'pallet', 11, 1.4, [1.2, 0.15, 0.8]),
    device('gauge', 'Vision gauge', 'sensor', 6, 2, [0.4, 1.4, 0.4], {}, 'failed'),
  ];
  for (let i = 0; i < (options.many ?? 0); i++) {
    devices.push(device(`pallet-${i + 10}`, `Pallet ${i + 10}`, 'pallet', (i % 40) * 1.6 - 20, 4 + Math.floor(i / 40) * 1.2, [1.2, 0.15, 0.8], { load_kg: i }));
  }
  let connections = options.empty ? [] : [
    ['infeed', 'robot-1'], ['robot-1', 'cell-1'], ['cell-1', 'robot-2'], ['robot-2', 'cell-2'], ['cell-2', 'outfeed'],
  ].map(([a, b], i) => ({ id: `c${i}`, sourceDeviceId: a, targetDeviceId: b, type: 'production_flow' }));
  let selection = [];
  let section = [];
  let measurements = [];
  let revision = 1;
  const camera = { target: [2.2, 0.6, 0], distance: 15, yaw: 0.55, pitch: 0.45, fovY: 0.785 };
  const participants = [
    { id: 1, name: 'Workstation', role: 'admin', pointer: null },
    { id: 2, name: 'Guest 2', role, pointer: null },
    { id: 3, name: 'Guest 3', role: 'viewer', pointer: { x: 0.62, y: 0.6 } },
  ];
  let presenter = options.presenter ?? null;

  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [picture.widthPx, picture.heightPx];
  const context = canvas.getContext('2d');
  let probe = null;

  function project(point) {
    const [sy, cy, sp, cp] = [Math.sin(camera.yaw), Math.cos(camera.yaw), Math.sin(camera.pitch), Math.cos(camera.pitch)];
    const [back, right] = [[sy * cp, sp, cy * cp], [cy, 0, -sy]];
    const up = [back[1] * right[2] - back[2] * right[1], back[2] * right[0] - back[0] * right[2], back[0] * right[1] - back[1] * right[0]];
    const v = sub(point, camera.target.map((t, i) => t + back[i] * camera.distance));
    const depth = -dot(v, back);
    if (depth < 0.1) return null;
    const f = canvas.height / 2 / Math.tan(camera.fovY / 2) / depth;
    return [canvas.width / 2 + dot(v, right) * f, canvas.height / 2 - dot(v, up) * f, depth];
  }
  const line = (a, b, colour, width = 1) => {
    const [p, q] = [project(a), project(b)];
    if (!p || !q) return;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(p[0], p[1]);
    context.lineTo(q[0], q[1]);
    context.stroke();
  };
  function face(points, fill, stroke, width) {
    const at = points.map(project);
    if (at.includes(null)) return;
    context.beginPath();
    at.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.stroke();
  }
  function draw() {
    const sky = context.createLinearGradient(0, 0, 0, canvas.height);
    sky.addColorStop(0, '#2a303a');
    sky.addColorStop(1, '#171b21');
    context.fillStyle = sky;
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (let i = -16; i <= 20; i++) {
      line([i, 0, -12], [i, 0, 12], i % 10 ? '#2b323c' : '#3a4350');
      if (Math.abs(i) <= 12) line([-16, 0, i], [20, 0, i], i % 10 ? '#2b323c' : '#3a4350');
    }
    const middle = (d) => [d.position[0], d.size[1] / 2, d.position[2]];
    const far = (d) => project(middle(d))?.[2] ?? 0;
    for (const d of [...devices].sort((a, b) => far(b) - far(a))) {
      const { min: [x0, y0, z0], max: [x1, y1, z1] } = d.bounds;
      const picked = selection.includes(d.id);
      const [edge, width] = picked ? ['#4c9aff', 3] : ['#7f848c', 1];
      const [front, side] = [camera.yaw > -Math.PI / 2 && camera.yaw < Math.PI / 2 ? z1 : z0, camera.yaw > 0 ? x1 : x0];
      face([[x0, y0, front], [x1, y0, front], [x1, y1, front], [x0, y1, front]], '#a3a7ae', edge, width);
      face([[side, y0, z0], [side, y0, z1], [side, y1, z1], [side, y1, z0]], '#8e939b', edge, width);
      face([[x0, y1, z0], [x1, y1, z0], [x1, y1, z1], [x0, y1, z1]], '#c6cad0', edge, width);
    }
    context.setLineDash([10, 7]);
    context.lineDashOffset = -performance.now() / 40;
    for (const c of connections) {
      const [a, b] = [c.sourceDeviceId, c.targetDeviceId].map((id) => devices.find((d) => d.id === id));
      if (a && b) line([a.position[0], a.size[1] + 0.15, a.position[2]], [b.position[0], b.size[1] + 0.15, b.position[2]], '#4c9aff', 2);
    }
    context.setLineDash([]);
    if (probe) {
      context.fillStyle = '#fff';
      context.fillRect(probe.x * canvas.width - 10, probe.y * canvas.height - 10, 20, 20);
    }
    requestAnimationFrame(draw);
  }
  draw();

  let channel = null;
  let longMessages = 0;
  const send = (type, data) => {
    if (channel?.readyState !== 'open') return;
    const text = JSON.stringify({ type, timestamp: performance.now(), data });
    if (text.length <= 32_768) return channel.send(text);
    const pieces = text.match(/[^]{1,16000}/g);
    const id = ++longMessages;
    pieces.forEach((piece, index) => channel.send(JSON.stringify({ type: 'part', timestamp: 0, data: { id, index, count: pieces.length, text: piece } })));
  };
  const update = (data) => send('state:update', { revision: ++revision, ...data });
  const wire = ({ size, ...d }) => ({ ...d, bounds: d.bounds });
  const full = () => send('state:full', {
    protocolVersion: 1, revision, workspace: 'Production line', devices: devices.map(wire), connections, selection, camera, section, measurements,
    picture, views: ['Operator', 'Loading dock'], you: { participantId: 2, role },
  });
  const presence = () => send('presence', { participants, presenter });

  const edits = new Set(['device:click', 'device:drag', 'connection:create', 'connection:remove', 'control:request']);
  const handlers = {
    'camera:orbit': ({ deltaX, deltaY }) => { camera.yaw -= deltaX * 0.00436; camera.pitch += deltaY * 0.00436; update({ camera }); },
    'camera:zoom': ({ delta }) => { camera.distance *= Math.exp(delta / 1000); update({ camera }); },
    'device:click': ({ screenX, screenY, deviceId, toggle }) => {
      let hit = deviceId;
      if (!hit) {
        const at = devices.map((d) => ({ d, p: project([d.position[0], d.size[1] / 2, d.position[2]]) })).filter((e) => e.p);
        const near = at.find(({ p }) => Math.hypot(p[0] - screenX * canvas.width, p[1] - screenY * canvas.height) < 60);
        hit = near?.d.id;
      }
      selection = toggle && hit ? (selection.includes(hit) ? selection.filter((s) => s !== hit) : [...selection, hit]) : hit ? [hit] : [];
      update({ selection });
    },
    'device:drag': ({ deviceId, positionX, positionY, positionZ }) => {
      const moved = devices.find((d) => d.id === deviceId);
      moved.position = [positionX, positionY, positionZ];
      update({ devices: [wire(moved)] });
    },
    'connection:create': ({ sourceDeviceId, targetDeviceId, type }) => {
      const made = { id: `c${revision}`, sourceDeviceId, targetDeviceId, type: type ?? 'production_flow' };
      connections = [...connections, made];
      update({ connections: [made] });
    },
    'connection:remove': ({ connectionId }) => {
      connections = connections.filter((c) => c.id !== connectionId);
      update({ removedConnections: [connectionId] });
    },
    'section:set': ({ planes }) => { section = planes.map((p) => ({ offset: 0, ...p })); update({ section }); },
    'stats:watch': ({ on }) => on && send('stats', {
      renderedFps: 30, encodedFps: 30, renderMs: 8.2, encodeMs: 4.1, triangles: 1_240_000, lines: 88_000, drawCalls: 64, drawn: 412,
      leftOut: { outside: 120, small: 31, hidden: 57, cutAway: 0 }, standIns: 3, transparent: 2, restFrames: 16,
      culledOnDevice: true, deviceMs: 3.4, passes: [{ pass: 'main', ms: 3.1 }, { pass: 'overlay', ms: 0.3 }], economy: '71 % resolution',
    }),
    'measure:pick': () => {
      const open = measurements.find((m) => m.isOpen);
      const fact = (quantity, name, value, text) => ({ quantity, name, value, text });
      const pair = [fact('gap', 'Straight across', 1.25, '1.250 m'), fact('distance', 'Distance', 1.3, '1.300 m'), fact('deltaX', 'ΔX', 1.25, '1.250 m'), fact('deltaY', 'ΔY', 0.357, '357.0 mm'), fact('deltaZ', 'ΔZ', 0, '0.00 mm')];
      const edge = [fact('diameter', 'Diameter', 0.12, '120.0 mm'), fact('radius', 'Radius', 0.06, '60.00 mm'), fact('length', 'Length', 0.377, '377.0 mm')];
      const things = open ? [{ deviceId: 'cell-1', kind: 'face' }, { deviceId: 'robot-2', kind: 'face' }] : [{ deviceId: 'cell-1', kind: 'edge' }];
      const made = { id: open?.id ?? measurements.length + 1, participantId: 2, isOpen: !open, label: open ? '1.250 m' : 'Ø 120.0 mm', things, facts: open ? pair : edge };
      measurements = [...measurements.filter((m) => m.id !== made.id), made];
      update({ measurements: [made] });
    },
    'measure:end': () => { measurements = measurements.map((m) => ({ ...m, isOpen: false })); update({ measurements }); },
    'measure:remove': ({ measurementId: id }) => { measurements = measurements.filter((m) => m.id !== id); update({ removedMeasurements: [id] }); },
    'measure:clear': () => { const removedMeasurements = measurements.map((m) => m.id); measurements = []; update({ removedMeasurements }); },
    'control:request': () => { presenter = 2; presence(); },
    'control:release': () => { presenter = null; presence(); },
    'test:click': (at) => { probe = at; setTimeout(() => (probe = null), 200); },
  };
  function onMessage(text) {
    const message = JSON.parse(text);
    (globalThis.standInLog ??= []).push(message);
    if (role === 'viewer' && edits.has(message.type)) {
      return send('error', { code: 'forbidden', message: 'a viewer may not do this', seq: message.seq });
    }
    handlers[message.type]?.(message.data);
    send('ack', { inputTimestamp: message.timestamp, seq: message.seq, frame: null, rtpTimestamp: null });
  }

  class StandInSocket extends EventTarget {
    readyState = 0;
    constructor() {
      super();
      setTimeout(() => {
        if (options.unreachable) return this.end();
        this.readyState = 1;
        this.onopen?.();
      }, options.delay ?? 30);
    }
    end() {
      this.readyState = 3;
      this.onclose?.();
    }
    say(type, data) {
      setTimeout(() => this.onmessage?.({ data: JSON.stringify({ type, data }) }));
    }
    async send(text) {
      const { type, data } = JSON.parse(text);
      if (type === 'hello') {
        if (!options.refuse) return this.say('welcome', { protocolVersion: 1, role, iceServers: [] });
        this.say('error', options.refuse);
      } else if (type === 'offer') {
        globalThis.standInOffer = data.sdp;
        this.pc = new RTCPeerConnection();
        this.pc.addTrack(canvas.captureStream(30).getVideoTracks()[0]);
        this.pc.ondatachannel = ({ channel: opened }) => {
          opened.onmessage = (event) => onMessage(event.data);
          if (opened.label !== 'state') return;
          opened.onopen = () => { channel = opened; full(); presence(); };
          if (opened.readyState === 'open') opened.onopen();
        };
        this.pc.onicecandidate = ({ candidate }) => candidate && this.say('candidate', candidate.toJSON());
        await this.pc.setRemoteDescription({ type: 'offer', sdp: data.sdp });
        await this.pc.setLocalDescription();
        this.say('answer', { sdp: this.pc.localDescription.sdp });
      } else if (type === 'candidate' && data.candidate) await this.pc?.addIceCandidate(data).catch(() => {});
    }
    close() {
      this.pc?.close();
      this.readyState = 3;
    }
  }
  const Browser = globalThis.WebSocket;
  globalThis.WebSocket = class {
    constructor(url, ...rest) {
      const socket = /\/signal$/.test(url) ? new StandInSocket() : new Browser(url, ...rest);
      globalThis.standInSocket = socket;
      return socket;
    }
  };
  globalThis.standIn = { point: (x, y) => { participants[2].pointer = { x, y }; presence(); }, options };
})();
