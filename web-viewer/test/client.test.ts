// The whole client on a browser that the test drives by hand, in fake time.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RemoteRenderClient, type ClientError, type Disconnection } from '../src/index.js';
import { FakeBrowser } from './fake_browser.js';
import { device, fullState, hostStats } from './samples.js';

const LINK = 'https://host:8443/#tok.en';
let browser: FakeBrowser;
let client: RemoteRenderClient;
let errors: ClientError[];
let phases: string[];
let ends: Disconnection[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  browser = new FakeBrowser();
  client = new RemoteRenderClient(browser);
  [errors, phases, ends] = [[], [], []];
  client.onError((error) => errors.push(error));
  client.onStatus(({ phase, attempt }) => phases.push(attempt > 1 ? `${phase} ${attempt}` : phase));
  client.onDisconnected((end) => ends.push(end));
});

afterEach(() => {
  client.disconnect();
  vi.useRealTimers();
});

/** Lets promises of the signaling finish. */
const settle = () => vi.advanceTimersByTimeAsync(0);

async function offer() {
  browser.socket.open();
  browser.socket.say({ type: 'welcome', data: { protocolVersion: 1, role: 'engineer', iceServers: [{ urls: ['stun:host:3478'] }] } });
  await settle();
}

async function connect() {
  if (browser.sockets.length === 0) client.connect(LINK);
  await offer();
  browser.socket.say({ type: 'answer', data: { sdp: 'v=0 answer' } });
  await settle();
  browser.peer.channel('input').open();
  browser.peer.channel('state').open();
  browser.peer.host({ type: 'state:full', data: fullState() });
}

describe('setting up', () => {
  test('hello, then an offer with one video section and two channels, then candidates', async () => {
    client.connect({ url: LINK, name: ' Ana\u0007 ' });
    expect(browser.socket.url).toBe('wss://host:8443/signal');
    await offer();
    const { peer, socket } = browser;
    expect(socket.sent).toEqual([
      { type: 'hello', data: { token: 'tok.en', protocolVersion: 1, returnKey: 'secret number 1', name: 'Ana' } },
      { type: 'offer', data: { sdp: 'v=0 offer' } },
      { type: 'candidate', data: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 } },
    ]);
    expect(peer.configuration).toEqual({ iceServers: [{ urls: ['stun:host:3478'] }], bundlePolicy: 'max-bundle' });
    expect(peer.transceivers).toEqual([['video', { direction: 'recvonly' }]]);
    expect(peer.codecs.map((c) => c.mimeType)).toEqual(['video/H264', 'video/VP8']);
    expect(peer.channel('input').options).toEqual({ ordered: false, maxRetransmits: 0 });
    expect(peer.channel('state').options).toEqual({ ordered: true });
    peer.onicecandidate?.({ candidate: null });
    expect(socket.sent[3]).toEqual({ type: 'candidate', data: { candidate: '', sdpMid: null, sdpMLineIndex: null } });
  });

  test('candidates of the host wait for its answer', async () => {
    client.connect(LINK);
    await offer();
    const candidate = { candidate: 'candidate:9', sdpMid: '0', sdpMLineIndex: 0 };
    browser.socket.say({ type: 'candidate', data: candidate });
    await settle();
    expect(browser.peer.candidates).toEqual([]);
    browser.socket.say({ type: 'answer', data: { sdp: 'v=0 answer' } });
    browser.socket.say({ type: 'candidate', data: { ...candidate, candidate: '' } });
    await settle();
    expect(browser.peer.remote).toEqual([{ type: 'answer', sdp: 'v=0 answer' }]);
    expect(browser.peer.candidates).toEqual([candidate]);
  });

  test('connected means that the state is there', async () => {
    const connected = vi.fn(() => expect(client.state?.devices.length).toBe(2));
    client.onConnected(connected);
    client.connect(LINK);
    await offer();
    browser.peer.channel('state').open();
    browser.peer.channel('input').open();
    expect(client.connectionState).toBe('connecting');
    expect(client.role).toBe('engineer');
    browser.peer.host({ type: 'state:full', data: fullState() });
    expect(client.connectionState).toBe('connected');
    expect(connected).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(300);
    expect(client.stats?.width).toBe(1280);
  });

  test('a text that is no link is refused at once', () => {
    expect(() => client.connect('nonsense')).toThrow(/not a link/);
    expect(browser.sockets).toEqual([]);
  });
});

describe('figures of the host', () => {
  const asked = () => browser.peer.messages('state').filter((m) => m.type === 'stats:watch').map((m) => m.data);

  test('come for those who ask, and are asked for again after a reconnect', async () => {
    client.watchHostStats(true);
    await connect();
    expect(asked()).toEqual([{ on: true }]);
    const heard = vi.fn();
    client.onHostStats(heard);
    browser.peer.host({ type: 'stats', data: hostStats({ drawn: 7 }) });
    expect(heard).toHaveBeenCalledTimes(1);
    expect(client.hostStats?.drawn).toBe(7);
    client.watchHostStats(true);
    expect(asked()).toEqual([{ on: true }]);
    client.watchHostStats(false);
    expect(asked()).toEqual([{ on: true }, { on: false }]);
    browser.peer.host({ type: 'stats', data: hostStats() });
    expect(heard).toHaveBeenCalledTimes(1);
    expect(client.hostStats).toBeNull();
  });

  test('are not asked for by themselves', async () => {
    await connect();
    expect(asked()).toEqual([]);
  });
});

describe('messages', () => {
  beforeEach(connect);

  test('movements go on input once a frame, edits on state at once and in order', () => {
    client.sendCameraOrbit(3, 1);
    client.sendCameraOrbit(4, 1);
    client.sendCameraPan(1, 2);
    expect(browser.peer.messages('input')).toEqual([]);
    expect(client.sendCameraView('top')).toBe(3);
    expect(browser.peer.messages('input')).toMatchObject([
      { type: 'camera:orbit', seq: 1, data: { deltaX: 7, deltaY: 2 } },
      { type: 'camera:pan', seq: 2, data: { deltaX: 1, deltaY: 2 } },
    ]);
    expect(browser.peer.messages('state')).toMatchObject([{ type: 'camera:view', seq: 3, data: { name: 'top' } }]);
    browser.frame();
    expect(browser.peer.messages('input').length).toBe(2);
  });

  test('each message is as the protocol has it', () => {
    client.sendDeviceClick(0.25, 0.75);
    client.sendDeviceClick(0.5, 0.5, 'a', { toggle: true });
    client.sendCameraFocus('a');
    client.sendConnectionCreate('a', 'b');
    client.sendConnectionCreate('a', 'b', 'power');
    client.sendConnectionRemove('c1');
    client.sendDeviceAdd({ name: 'New', position: [1, 2, 3], copyModelOf: 'a' });
    client.sendDeviceRemove('a');
    client.undo();
    client.redo();
    client.requestControl();
    client.releaseControl();
    client.sendTestClick(0.1, 0.2);
    client.sendSection([{ normal: [1, 0, 0] }]);
    client.sendMeasurePick(0.25, 0.75);
    client.sendMeasurePick(0.5, 0.5, { kind: 'edge', radiusPx: 24, startsAnew: true });
    client.sendMeasureEnd();
    client.sendMeasureRemove(3);
    client.sendMeasureClear();
    const sent = browser.peer.messages('state');
    expect(sent.map(({ type, data }) => [type, data])).toEqual([
      ['device:click', { screenX: 0.25, screenY: 0.75 }],
      ['device:click', { screenX: 0.5, screenY: 0.5, deviceId: 'a', toggle: true }],
      ['camera:focus', { deviceId: 'a' }],
      ['connection:create', { sourceDeviceId: 'a', targetDeviceId: 'b' }],
      ['connection:create', { sourceDeviceId: 'a', targetDeviceId: 'b', type: 'power' }],
      ['connection:remove', { connectionId: 'c1' }],
      ['device:add', { name: 'New', position: [1, 2, 3], copyModelOf: 'a' }],
      ['device:remove', { deviceId: 'a' }],
      ['edit:undo', {}],
      ['edit:redo', {}],
      ['control:request', {}],
      ['control:release', {}],
      ['test:click', { x: 0.1, y: 0.2 }],
      ['section:set', { planes: [{ normal: [1, 0, 0] }] }],
      ['measure:pick', { screenX: 0.25, screenY: 0.75 }],
      ['measure:pick', { screenX: 0.5, screenY: 0.5, kind: 'edge', radiusPx: 24, startsAnew: true }],
      ['measure:end', {}],
      ['measure:remove', { measurementId: 3 }],
      ['measure:clear', {}],
    ]);
    expect(sent.map((m) => m.seq)).toEqual(sent.map((_, i) => i + 1));
    // The clock stands still in this test, yet the times grow.
    sent.slice(1).forEach((m, i) => expect(m.timestamp).toBeGreaterThan(sent[i]?.timestamp ?? Infinity));
    expect(Object.keys(sent[0] ?? {})).toEqual(['type', 'timestamp', 'seq', 'data']);
  });

  test('a drag goes on input, its end on state, and nothing of it comes after the end', async () => {
    const gesture = client.nextGesture();
    client.sendDeviceDrag('a', 1, 0, 1, { gesture });
    await Promise.resolve();
    client.sendDeviceDrag('a', 2, 0, 2, { gesture });
    client.sendDeviceDrag('a', 3, 0, 3, { gesture, last: true });
    browser.frame();
    expect(browser.peer.messages('input').map((m) => m.data)).toEqual([
      { deviceId: 'a', positionX: 1, positionY: 0, positionZ: 1, gesture },
    ]);
    expect(browser.peer.messages('state').map((m) => m.data)).toEqual([
      { deviceId: 'a', positionX: 3, positionY: 0, positionZ: 3, gesture },
    ]);
  });

  test('a section that is moved goes on input, where it stops on state', async () => {
    const at = (offset: number) => [{ normal: [1, 0, 0] as [number, number, number], offset }];
    client.sendSection(at(1), { last: false });
    client.sendSection(at(2), { last: false });
    await Promise.resolve();
    client.sendSection(at(3), { last: false });
    client.sendSection(at(4));
    browser.frame();
    expect(browser.peer.messages('input').map((m) => m.data)).toEqual([{ planes: at(2) }]);
    expect(browser.peer.messages('state').map((m) => m.data)).toEqual([{ planes: at(4) }]);
    expect(() => client.sendSection(at(NaN))).toThrow(RangeError);
  });

  test('what is aimed at goes with the pointer', () => {
    client.sendMeasureAim({ x: 0.5, y: 0.25 });
    client.sendPointer({ x: 0.5, y: 0.25 });
    browser.frame();
    expect(browser.peer.messages('input').map((m) => m.type)).toEqual(['pointer:move', 'measure:aim']);
  });

  test('a drag without options is a whole movement of its own', () => {
    client.sendDeviceDrag('a', 1, 0, 1);
    client.sendDeviceDrag('a', 2, 0, 1);
    const gestures = browser.peer.messages('state').map((m) => (m.data as { gesture: number }).gesture);
    expect(new Set(gestures).size).toBe(2);
  });

  test('a zoom at a point pans so that the point stays', async () => {
    client.sendCameraZoom(1000 * Math.log(0.5), { x: 0.75, y: 0.5 });
    await Promise.resolve();
    const [zoom, pan] = browser.peer.messages('input').map((m) => m.data as Record<string, number>);
    expect(zoom?.['delta']).toBeCloseTo(-693.147, 2);
    // 320 pixels right of the middle came to 640; the pan takes 320 of them back.
    expect(pan?.['deltaX']).toBeCloseTo(-320, 6);
    expect(pan?.['deltaY']).toBeCloseTo(0, 6);
  });

  test('numbers that cannot be sent are refused before they are', () => {
    expect(() => client.sendCameraOrbit(NaN, 0)).toThrow(RangeError);
    expect(() => client.sendDeviceDrag('a', Infinity, 0, 0)).toThrow(/x must be/);
    expect(() => client.sendDeviceClick(0, 2e6)).toThrow(RangeError);
    browser.frame();
    expect(browser.peer.messages('state')).toEqual([]);
  });

  test('movements are left out while the network is stuck', () => {
    browser.peer.channel('input').bufferedAmount = 1e6;
    client.sendCameraOrbit(1, 1);
    browser.frame();
    expect(browser.peer.messages('input')).toEqual([]);
  });

  test('raw texts go through as they are, and nowhere without a connection', () => {
    client.sendRaw('state', 'not json');
    expect(browser.peer.channel('state').sent).toEqual(['not json']);
    client.disconnect();
    expect(() => client.sendRaw('state', 'x')).toThrow(/not connected/);
    expect(client.undo()).toBeNull();
  });
});

describe('what the host says', () => {
  beforeEach(connect);

  test('updates, presence, acks and refusals reach who listens, until they stop', () => {
    const seen: unknown[] = [];
    const stop = client.onState((state) => seen.push(state.selection));
    client.onPresence((presence) => seen.push(presence.presenter));
    client.onAck((ack) => seen.push(ack.frame));
    browser.peer.host({ type: 'state:update', data: { revision: 2, selection: ['a'] } });
    browser.peer.host({ type: 'presence', data: { participants: [], presenter: 4 } });
    browser.peer.host({ type: 'ack', data: { inputTimestamp: 1, seq: 1, frame: 8, rtpTimestamp: 5, stages: null } });
    browser.peer.host({ type: 'error', data: { code: 'forbidden', message: 'no', seq: 3 } });
    stop();
    browser.peer.host({ type: 'state:update', data: { revision: 3, selection: [] } });
    expect(seen).toEqual([['a'], 4, 8]);
    expect(errors).toEqual([{ code: 'forbidden', message: 'no', seq: 3, fatal: false }]);
    expect(client.state?.revision).toBe(3);
  });

  test('a listener that fails does not keep the others from hearing', () => {
    const report = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const heard = vi.fn();
    client.onState(() => {
      throw new Error('mine');
    });
    client.onState(heard);
    browser.peer.host({ type: 'state:update', data: { revision: 2 } });
    expect(heard).toHaveBeenCalledTimes(1);
    expect(report).toHaveBeenCalled();
    report.mockRestore();
  });

  test('devices are found in the picture', () => {
    browser.peer.host({ type: 'state:update', data: { revision: 2, devices: [device('m', { position: [0, 0, 0] })] } });
    // The camera looks at (0, 0.5, 0), which is the middle of this device's box.
    expect(client.projectDevice('m')?.x).toBeCloseTo(0.5, 6);
    expect(client.projectDevice('m')?.y).toBeCloseTo(0.5, 6);
    expect(client.projectDevice('nobody')).toBeNull();
  });

  test('an unreadable state begins anew with a whole one', async () => {
    browser.peer.channel('state').onmessage?.({ data: '{"type":"part"' });
    expect(client.connectionState).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(250);
    expect(browser.sockets.length).toBe(2);
  });
});

describe('staying connected', () => {
  test('a host that nobody answers for is waited for, longer and longer, for ever', async () => {
    client.connect(LINK);
    for (let i = 0; i < 8; i++) {
      browser.socket.drop();
      await vi.advanceTimersByTimeAsync(4000);
    }
    expect(browser.sockets.length).toBe(9);
    expect(phases.slice(0, 4)).toEqual(['connecting', 'waiting 2', 'waiting 3', 'waiting 4']);
    expect(client.status.error).toMatchObject({ code: 'unreachable', fatal: false });
    await connect();
    expect(client.connectionState).toBe('connected');
  });

  test('a socket that never opens and a host that never answers are given up in time', async () => {
    client.connect(LINK);
    await vi.advanceTimersByTimeAsync(5300);
    expect(browser.sockets.length).toBe(2);
    expect(browser.sockets[0]?.closed).toBe(true);
    browser.socket.open();
    await vi.advanceTimersByTimeAsync(12_600);
    expect(browser.sockets.length).toBe(3);
    expect(client.status.error?.message).toMatch(/firewall/);
  });

  test('a lost connection is made again with the same token, and the state is kept meanwhile', async () => {
    await connect();
    await vi.advanceTimersByTimeAsync(6000);
    browser.peer.channel('state').onclose?.();
    expect(ends).toMatchObject([{ willReconnect: true, error: { code: 'closing' } }]);
    expect(client.connectionState).toBe('reconnecting');
    expect(client.state?.devices.length).toBe(2);
    expect(browser.peers[0]?.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(249);
    expect(browser.sockets.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(browser.sockets.length).toBe(2);
    await connect();
    // The host knows that it is us again.
    expect(browser.socket.sent[0]).toMatchObject({ type: 'hello', data: { token: 'tok.en', returnKey: 'secret number 1' } });
    expect(client.connectionState).toBe('connected');
    expect(phases).toEqual(['connecting', 'connected', 'reconnecting', 'connected']);
  });

  test('connections that do not last are not made in a hurry', async () => {
    await connect();
    const pauses: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = browser.sockets.length;
      const at = Date.now();
      browser.peer.channel('state').onclose?.();
      while (browser.sockets.length === before) await vi.advanceTimersByTimeAsync(10);
      pauses.push(Date.now() - at);
      await connect();
    }
    expect(pauses).toEqual([250, 500, 1000, 2000]);
  });

  test('ICE may recover for two seconds; a failure is final at once', async () => {
    await connect();
    browser.peer.become('disconnected');
    await vi.advanceTimersByTimeAsync(1900);
    browser.peer.become('connected');
    await vi.advanceTimersByTimeAsync(5000);
    expect(client.connectionState).toBe('connected');
    browser.peer.become('disconnected');
    await vi.advanceTimersByTimeAsync(2000);
    expect(client.connectionState).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(250);
    await connect();
    browser.peer.become('failed');
    expect(client.connectionState).toBe('reconnecting');
  });

  test('without its socket a host that answers stays, and a silent one is dead', async () => {
    await connect();
    browser.socket.drop();
    expect(browser.peer.messages('state').at(-1)?.type).toBe('pointer:leave');
    await vi.advanceTimersByTimeAsync(500);
    browser.peer.host({ type: 'ack', data: { inputTimestamp: 1, seq: 1, frame: null, rtpTimestamp: null, stages: null } });
    await vi.advanceTimersByTimeAsync(3000);
    expect(client.connectionState).toBe('connected');
    client.retryNow();
    await vi.advanceTimersByTimeAsync(1500);
    expect(client.connectionState).toBe('reconnecting');
    expect(client.status.error?.message).toMatch(/does not answer/);
  });

  test('a host that says good-bye is looked for again, with its words', async () => {
    await connect();
    browser.socket.say({ type: 'bye', data: { code: 'closing', message: 'the host restarts' } });
    await settle();
    expect(client.status).toMatchObject({ phase: 'reconnecting', error: { code: 'closing', message: 'the host restarts' } });
  });

  test('who was removed does not come back by itself', async () => {
    await connect();
    browser.socket.say({ type: 'bye', data: { code: 'removed', message: 'you were removed' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(browser.sockets.length).toBe(1);
    expect(client.status).toMatchObject({ phase: 'failed', error: { code: 'removed', message: 'you were removed' } });
  });

  test('a bad link is final', async () => {
    client.connect(LINK);
    browser.socket.open();
    browser.socket.say({ type: 'error', data: { code: 'unauthorized', message: 'the link has expired' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(browser.sockets.length).toBe(1);
    expect(client.connectionState).toBe('failed');
    expect(errors).toEqual([{ code: 'unauthorized', message: 'the link has expired', seq: null, fatal: true }]);
  });

  test('a place in the queue is told, and takes as long as it takes', async () => {
    client.connect(LINK);
    browser.socket.open();
    browser.socket.say({ type: 'waiting', data: { place: 2, estimateSecs: 90 } });
    expect(client.status).toMatchObject({ phase: 'connecting', queue: { place: 2, estimateSecs: 90 } });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(browser.sockets.length).toBe(1);
    browser.socket.say({ type: 'welcome', data: { protocolVersion: 1, role: 'engineer', iceServers: [] } });
    await settle();
    expect(client.status.queue).toBeNull();
    // From here on it must come about in time.
    await vi.advanceTimersByTimeAsync(13_000);
    expect(client.status.error?.code).toBe('unreachable');
  });

  test('a full host is asked again', async () => {
    client.connect(LINK);
    browser.socket.open();
    browser.socket.say({ type: 'error', data: { code: 'full', message: '32 viewers are here' } });
    await settle();
    expect(client.status).toMatchObject({ phase: 'waiting', error: { code: 'full' } });
    await vi.advanceTimersByTimeAsync(250);
    expect(browser.sockets.length).toBe(2);
  });

  test('who disconnects stays so', async () => {
    await connect();
    client.disconnect();
    expect(ends).toEqual([{ error: null, willReconnect: false }]);
    expect(browser.peer.closed && browser.socket.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(browser.sockets.length).toBe(1);
    expect(client.connectionState).toBe('idle');
  });

  test('retrying now does not wait, and does not make two', async () => {
    client.connect(LINK);
    for (let i = 0; i < 5; i++) {
      browser.socket.drop();
      if (i < 4) await vi.advanceTimersByTimeAsync(4000);
    }
    client.retryNow();
    client.retryNow();
    expect(browser.sockets.length).toBe(6);
    await vi.advanceTimersByTimeAsync(4500);
    expect(browser.sockets.length).toBe(6);
  });
});
