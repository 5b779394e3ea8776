/* What the desktop streamers of `make bench-stream` capture: a window that fills the display and shows raw RGBA pictures
 * of a file. `stage FILE WIDTH HEIGHT`, told by lines on stdin: `play N` shows N pictures a second, each the next one of
 * an endless turn; `still I` shows picture I and nothing else. A press of a mouse button draws a square there for a
 * moment, dark on bright and bright on dark, as the host's own latency probe does. Prints `ready`, then `shown COUNT`
 * after each `still`. */
#define _GNU_SOURCE
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/extensions/XShm.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MARK = 32, MARK_MS = 400 };

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static Display *display;
static Window window;
static GC gc;
static XImage *image;
static XShmSegmentInfo segment;
static int width, height, mark_x, mark_y, mark_bright;
static double mark_until;

static void draw_mark(void) {
  XSetForeground(display, gc, mark_bright ? 0xffffff : 0);
  XFillRectangle(display, window, gc, mark_x - MARK / 2, mark_y - MARK / 2, MARK, MARK);
}

/* The server reads the shared picture before it answers, so that it may be written again after this. */
static void put(void) {
  XShmPutImage(display, window, gc, image, 0, 0, 0, 0, width, height, False);
  if (mark_until > 0) draw_mark();
  XSync(display, False);
}

static void load(const unsigned char *rgba) {
  unsigned char *to = (unsigned char *)image->data;
  for (long i = 0, n = (long)width * height; i < n; i++) {
    to[4 * i] = rgba[4 * i + 2];
    to[4 * i + 1] = rgba[4 * i + 1];
    to[4 * i + 2] = rgba[4 * i];
    to[4 * i + 3] = 255;
  }
}

static void press(int x, int y) {
  long sum = 0, count = 0;
  for (int py = y - MARK / 2; py < y + MARK / 2; py++)
    for (int px = x - MARK / 2; px < x + MARK / 2; px++)
      if (px >= 0 && py >= 0 && px < width && py < height) {
        sum += ((unsigned char *)image->data)[4 * ((long)py * width + px) + 1];
        count++;
      }
  mark_bright = sum <= 128 * count;
  mark_x = x;
  mark_y = y;
  mark_until = now_ms() + MARK_MS;
  draw_mark();
  XFlush(display);
}

int main(int argc, char **argv) {
  if (argc < 4 || !(display = XOpenDisplay(NULL))) return fprintf(stderr, "usage: stage FILE WIDTH HEIGHT, with a display\n"), 2;
  width = atoi(argv[2]);
  height = atoi(argv[3]);
  int file = open(argv[1], O_RDONLY);
  struct stat stat;
  if (file < 0 || fstat(file, &stat)) return perror(argv[1]), 1;
  long size = 4L * width * height, count = stat.st_size / size;
  unsigned char *pictures = mmap(NULL, stat.st_size, PROT_READ, MAP_SHARED, file, 0);
  if (count < 1 || pictures == MAP_FAILED) return fprintf(stderr, "no pictures\n"), 1;

  XSetWindowAttributes look = {.override_redirect = True, .event_mask = ButtonPressMask | ExposureMask};
  window = XCreateWindow(display, DefaultRootWindow(display), 0, 0, width, height, 0, CopyFromParent, InputOutput,
                         CopyFromParent, CWOverrideRedirect | CWEventMask, &look);
  gc = XCreateGC(display, window, 0, NULL);
  image = XShmCreateImage(display, DefaultVisual(display, 0), 24, ZPixmap, NULL, &segment, width, height);
  segment.shmid = shmget(IPC_PRIVATE, (size_t)image->bytes_per_line * height, IPC_CREAT | 0600);
  segment.shmaddr = image->data = shmat(segment.shmid, NULL, 0);
  XShmAttach(display, &segment);
  XSync(display, False);
  shmctl(segment.shmid, IPC_RMID, NULL); /* gone with the last process that uses it */
  XMapRaised(display, window);
  load(pictures);
  put();
  printf("ready\n");
  fflush(stdout);

  long at = 0, shown = 0;
  double step = 0, next = 0;
  char line[64];
  for (;;) {
    while (XPending(display)) {
      XEvent event;
      XNextEvent(display, &event);
      if (event.type == ButtonPress) press(event.xbutton.x, event.xbutton.y);
      if (event.type == Expose && event.xexpose.count == 0) put();
    }
    double now = now_ms();
    if (mark_until > 0 && now >= mark_until) {
      mark_until = 0;
      put();
    }
    if (step > 0 && now >= next) {
      at = (at + 1) % count;
      load(pictures + at * size);
      put();
      shown++;
      next += step;
      if (now - next > 5 * step) next = now + step; /* too slow for the rate: nothing is caught up on */
    }
    double until = step > 0 ? next : mark_until > 0 ? mark_until : -1;
    if (mark_until > 0 && mark_until < until) until = mark_until;
    struct timespec wait = {0, 0};
    now = now_ms();
    if (until > now) wait = (struct timespec){(long)((until - now) / 1e3), (long)((until - now) * 1e6) % 1000000000};
    struct pollfd ready[2] = {{.fd = ConnectionNumber(display), .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    if (XPending(display)) continue;
    ppoll(ready, 2, until < 0 ? NULL : &wait, NULL);
    if (ready[1].revents) {
      int n = 0;
      char c;
      while (n < 63 && read(0, &c, 1) == 1 && c != '\n') line[n++] = c;
      line[n] = 0;
      double number = 0;
      if (!n) return 0; /* whoever started us has ended */
      if (sscanf(line, "play %lf", &number) == 1) {
        step = number > 0 ? 1e3 / number : 0;
        next = now_ms();
      } else if (sscanf(line, "still %lf", &number) == 1) {
        step = 0;
        at = (((long)number % count) + count) % count;
        load(pictures + at * size);
        put();
        printf("shown %ld\n", shown);
        fflush(stdout);
      }
    }
  }
}
