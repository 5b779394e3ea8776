/** The picture and what people do on it. */
import { FloorDrag, pickByBox } from '../client/floor_drag.js';
import type { App } from './app.js';
import { openContextMenu } from './context_menu.js';
import { closePopover } from './controls.js';
import { h, show } from './dom.js';
import { SNAP_PX } from './measure_card.js';
import { GestureRecogniser, type Gesture, type PointerInput } from './gestures.js';
import { inputScale, isInside, pictureBox, toPicture, wheelPixels, type Box } from './picture_box.js';

interface At {
  x: number;
  y: number;
}

/** `GestureEvent` of WebKit. */
interface SafariGesture extends Event {
  scale: number;
  clientX: number;
  clientY: number;
}

/** A selected device on its way. */
interface DeviceDrag {
  id: string;
  drag: FloorDrag;
  gesture: number;
  last: readonly [number, number, number] | null;
}

export class Stage {
  readonly video = h('video', {
    class: 'video',
    muted: true,
    autoplay: true,
    playsInline: true,
    disablePictureInPicture: true,
    disableRemotePlayback: true,
    tabIndex: -1,
    'aria-hidden': 'true',
  });
  readonly element = h('main', {
    class: 'stage',
    tabIndex: 0,
    role: 'application',
    'aria-roledescription': '3D view',
    'aria-label': '3D view. Arrow keys turn the camera; question mark lists the shortcuts.',
  });
  private readonly gestures = new GestureRecogniser();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drag: DeviceDrag | null = null;
  private toldWhy = -Infinity;
  private pinched = 1;
  private measured: Box | null = null;
  /** The last picture, for as long as there is no new one: a closed connection leaves a video black. */
  private readonly still = h('canvas', { class: 'video still', hidden: true, 'aria-hidden': 'true' });

  /** Movements of the camera before the host has drawn them. */
  private readonly echo = h('canvas', { class: 'video echo', hidden: true, 'aria-hidden': 'true' });

  constructor(private readonly app: App) {
    // iOS takes the attributes, not the properties, into account when it decides whether a video may start by itself.
    for (const name of ['muted', 'autoplay', 'playsinline', 'disablepictureinpicture']) this.video.setAttribute(name, '');
    this.element.append(this.video, this.echo, this.still);
    this.listen();
    app.client.attachVideo(this.video);
    app.client.attachEcho(this.echo);
  }

  /** Where the view is on the page. Measured when it changes only: measuring makes the browser lay out the page. */
  rect(): Box {
    this.measured ??= this.element.getBoundingClientRect();
    return this.measured;
  }

  /** The part of the page that the picture fills. */
  box(): Box {
    const { widthPx = 0, heightPx = 0 } = this.app.client.state?.picture ?? {};
    const { videoWidth, videoHeight } = this.video;
    return pictureBox(this.rect(), videoWidth || widthPx, videoHeight || heightPx);
  }

  /** Keeps the picture that is on the screen until {@link thaw}. */
  private freeze(): void {
    const { still, video } = this;
    if (video.videoWidth === 0 || !still.hidden) return;
    still.width = video.videoWidth;
    still.height = video.videoHeight;
    still.getContext('2d')?.drawImage(video, 0, 0);
    show(still, true);
  }

  private thaw(): void {
    if (this.app.connected) show(this.still, false);
  }

  private listen(): void {
    const { element } = this;
    new ResizeObserver(() => (this.measured = null)).observe(element);
    for (const name of ['resize', 'scroll']) addEventListener(name, () => (this.measured = null));
    this.app.client.onDisconnected(() => this.freeze());
    for (const name of ['playing', 'timeupdate', 'resize']) this.video.addEventListener(name, () => this.thaw());
    element.addEventListener('pointerdown', (event) => {
      closePopover();
      element.setPointerCapture(event.pointerId);
      this.handle(this.gestures.down(input(event), event.timeStamp));
    });
    // As movements come, where the browser tells: `pointermove` waits for the next picture of the screen.
    const isRaw = 'onpointerrawupdate' in element;
    element.addEventListener(isRaw ? 'pointerrawupdate' : 'pointermove', (event) => {
      this.handle(this.gestures.move(input(event as PointerEvent)));
    });
    element.addEventListener('pointermove', (event) => {
      if (event.pointerType !== 'touch') this.hover(event);
    });
    element.addEventListener('pointerup', (event) => this.handle(this.gestures.up(input(event), event.timeStamp)));
    element.addEventListener('pointercancel', (event) => this.handle(this.gestures.cancel(event.pointerId)));
    element.addEventListener('pointerleave', () => this.app.client.sendPointer(null));
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    // Middle button: no automatic scrolling. Touch: no loupe, no compatibility mouse events. Focus is set by hand then.
    element.addEventListener('mousedown', (event) => event.button === 1 && event.preventDefault());
    element.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    for (const name of ['gesturestart', 'gesturechange', 'gestureend']) {
      element.addEventListener(name, (event) => this.touchpadPinch(event as SafariGesture), { passive: false });
    }
    element.addEventListener('touchend', (event) => event.cancelable && event.preventDefault(), { passive: false });
  }

  private handle(gestures: Gesture[]): void {
    for (const gesture of gestures) this.on(gesture);
    clearTimeout(this.timer);
    const { deadline } = this.gestures;
    if (deadline === null) return;
    const wait = Math.max(deadline - performance.now(), 0);
    this.timer = setTimeout(() => this.handle(this.gestures.tick(deadline)), wait);
  }

  private on(gesture: Gesture): void {
    const { client } = this.app;
    const box = this.box();
    const at = toPicture(box, gesture.x, gesture.y);
    const scale = inputScale(box);
    switch (gesture.type) {
      case 'tap':
        this.element.focus({ preventScroll: true });
        return this.tap(at, gesture.toggle, gesture.isTouch);
      case 'doubleTap':
        return this.doubleTap(at);
      case 'context':
        return void this.context(at, { x: gesture.x, y: gesture.y });
      case 'dragStart':
        this.element.focus({ preventScroll: true });
        this.drag = gesture.pan ? null : this.beginDeviceDrag(at);
        return;
      case 'drag':
        if (this.drag) return this.moveDevice(this.drag, at);
        if (!this.maySteer()) return;
        if (gesture.pan) client.sendCameraPan(gesture.dx * scale, gesture.dy * scale);
        else client.sendCameraOrbit(gesture.dx * scale, gesture.dy * scale);
        return;
      case 'dragEnd':
        return this.endDeviceDrag();
      case 'pinch':
        if (!this.maySteer()) return;
        client.sendCameraPan(gesture.dx * scale, gesture.dy * scale);
        if (gesture.spread > 0) client.sendCameraZoom(-1000 * Math.log(gesture.spread), at);
    }
  }

  private tap(at: At, toggle: boolean, isTouch: boolean): void {
    if (!isInside(at) || !this.app.client.state) return;
    if (this.app.view.tool === 'measure') return this.measure(at, isTouch);
    if (this.app.view.connectFrom !== null) return void this.connectTo(at);
    if (this.app.noEditReason === null) this.app.client.sendDeviceClick(at.x, at.y, undefined, { toggle });
    else this.app.set({ inspected: pickByBox(this.app.client.state, at)?.id ?? null });
  }

  private measure(at: At, isTouch: boolean): void {
    if (!this.maySteer()) return;
    this.app.client.sendMeasurePick(at.x, at.y, { radiusPx: isTouch ? SNAP_PX.touch : SNAP_PX.mouse });
  }

  private async connectTo(at: At): Promise<void> {
    const target = await this.app.pick(at);
    if (target !== null) this.app.connectTo(target);
  }

  private async context(at: At, place: At): Promise<void> {
    if (!isInside(at)) return;
    const device = await this.app.pick(at);
    if (device !== null) openContextMenu(this.app, device, place);
  }

  /** The first of the two taps has selected what is there. */
  private doubleTap(at: At): void {
    const { state } = this.app.client;
    if (!state || !isInside(at) || !this.maySteer()) return;
    // Two things may lie close to each other.
    if (this.app.view.tool === 'measure') return this.measure(at, false);
    const device = this.app.noEditReason === null ? this.selectedAt(at) : pickByBox(state, at);
    if (device) this.app.client.sendCameraFocus(device.id);
    else this.app.client.sendCameraView('fit');
  }

  private selectedAt(at: At): { id: string; drag: FloorDrag } | null {
    const { client } = this.app;
    const { state } = client;
    if (!state || !isInside(at)) return null;
    for (const id of state.selection) {
      const device = client.device(id);
      const drag = device && FloorDrag.begin(state, device, at);
      if (drag) return { id, drag };
    }
    return null;
  }

  private beginDeviceDrag(at: At): DeviceDrag | null {
    if (this.app.noEditReason !== null || this.app.view.connectFrom !== null) return null;
    if (this.app.view.tool !== null) return null;
    const found = this.selectedAt(at);
    return found && { ...found, gesture: this.app.client.nextGesture(), last: null };
  }

  private moveDevice(drag: DeviceDrag, at: At): void {
    const { client } = this.app;
    const position = client.state && drag.drag.position(client.state, at);
    if (!position) return;
    drag.last = position;
    client.sendDeviceDrag(drag.id, ...position, { gesture: drag.gesture });
  }

  private endDeviceDrag(): void {
    const { drag } = this;
    this.drag = null;
    if (drag?.last) this.app.client.sendDeviceDrag(drag.id, ...drag.last, { gesture: drag.gesture, last: true });
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const at = toPicture(this.box(), event.clientX, event.clientY);
    if (this.maySteer()) this.app.client.sendCameraZoom(wheelPixels(event), isInside(at) ? at : undefined);
  }

  /** Safari tells a touchpad's pinch in events of its own; on a touch screen they come beside the pointers. */
  private touchpadPinch(event: SafariGesture): void {
    event.preventDefault();
    const spread = event.type === 'gesturestart' ? 1 : event.scale / this.pinched;
    this.pinched = event.type === 'gesturestart' ? 1 : event.scale;
    if (this.gestures.isActive || !(spread > 0) || spread === 1 || !this.maySteer()) return;
    const at = toPicture(this.box(), event.clientX, event.clientY);
    this.app.client.sendCameraZoom(-1000 * Math.log(spread), isInside(at) ? at : undefined);
  }

  private hover(event: PointerEvent): void {
    const at = toPicture(this.box(), event.clientX, event.clientY);
    const measures = this.app.view.tool === 'measure' && this.app.noShareReason === null;
    this.app.client.sendMeasureAim(measures && event.buttons === 0 && isInside(at) ? at : null);
    this.app.client.sendPointer(isInside(at) ? at : null);
    this.element.classList.toggle('is-measuring', measures);
    const movable = event.buttons === 0 && this.app.view.tool === null && this.app.noEditReason === null && this.selectedAt(at) !== null;
    this.element.classList.toggle('is-movable', movable || this.drag !== null);
  }

  /** Says why not, though not with every movement. */
  maySteer(): boolean {
    const reason = this.app.noSteerReason;
    if (reason === null) return true;
    const now = performance.now();
    if (now - this.toldWhy > 4000) {
      this.toldWhy = now;
      this.app.toast(reason);
    }
    return false;
  }
}

function input(event: PointerEvent): PointerInput {
  return {
    id: event.pointerId,
    pointerType: event.pointerType,
    button: event.button,
    x: event.clientX,
    y: event.clientY,
    shift: event.shiftKey,
    ctrl: event.ctrlKey || event.metaKey,
  };
}
