// Restores the terminal on every way out that can be caught. See cterminal.h.
#define _GNU_SOURCE
#include "cterminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

static const int endings[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
static const int events[] = {SIGWINCH, SIGCONT, SIGTSTP, SIGALRM};

enum { limit = 512, note_limit = 120, alternate_size = 64 * 1024, count = 15 };

static struct {
  struct termios modes;
  uint8_t bytes[limit];
  size_t size;
  int descriptor;
} restoration;

static atomic_int armed, partial, installed, termination;
static atomic_uint pending;
static unsigned grace_seconds;
static int wake_read = -1, wake_write = -1;
static int saved_error = -1, captured_error = -1;
static struct sigaction before[count];
static char notes[2][note_limit + 1];
static atomic_int current_note;

// Writes all of it unless the terminal takes nothing for half a second: a stuck terminal must not
// keep a dying programme alive.
static void write_all(int descriptor, const void *data, size_t size) {
  const uint8_t *bytes = data;
  while (size > 0) {
    ssize_t written = write(descriptor, bytes, size);
    if (written > 0) {
      bytes += written;
      size -= (size_t)written;
    } else if (written < 0 && errno == EINTR) {
      continue;
    } else if (written < 0 && errno == EAGAIN) {
      struct pollfd wait = {.fd = descriptor, .events = POLLOUT};
      if (poll(&wait, 1, 500) <= 0 || !(wait.revents & POLLOUT)) return;
    } else {
      return;
    }
  }
}

void ct_restore(void) {
  if (!atomic_exchange(&armed, 0)) return;
  int error = errno;
  if (atomic_exchange(&partial, 0)) write_all(restoration.descriptor, "\030\033\\", 3);
  write_all(restoration.descriptor, restoration.bytes, restoration.size);
  // A background process would be stopped by tcsetattr; its terminal is not ours to change.
  sigset_t block, old;
  sigemptyset(&block);
  sigaddset(&block, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &block, &old);
  tcsetattr(restoration.descriptor, TCSANOW, &restoration.modes);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  errno = error;
}

// What was written to the captured standard error, for a person who would else never see it.
static void release_error(void) {
  if (captured_error < 0 || saved_error < 0) return;
  dup2(saved_error, STDERR_FILENO);
  char buffer[1024];
  off_t end = lseek(captured_error, 0, SEEK_END), at = end > 8192 ? end - 8192 : 0;
  while (at < end) {
    ssize_t got = pread(captured_error, buffer, sizeof buffer, at);
    if (got <= 0) break;
    write_all(STDERR_FILENO, buffer, (size_t)got);
    at += got;
  }
  captured_error = -1;
}

static struct sigaction *slot(int signal) {
  int index = 0;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++, index++)
    if (endings[i] == signal) return &before[index];
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++, index++)
    if (crashes[i] == signal) return &before[index];
  for (size_t i = 0; i < sizeof events / sizeof *events; i++, index++)
    if (events[i] == signal) return &before[index];
  return NULL;
}

static void die_by(int signal, const struct sigaction *action) {
  sigaction(signal, action, NULL);
  sigset_t open;
  sigemptyset(&open);
  sigaddset(&open, signal);
  pthread_sigmask(SIG_UNBLOCK, &open, NULL);
  raise(signal);
}

void ct_die(int signal) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  ct_restore();
  release_error();
  die_by(signal, &plain);
  _exit(128 + signal);
}

static void wake(unsigned event) {
  int error = errno;
  atomic_fetch_or(&pending, event);
  if (wake_write >= 0) (void)!write(wake_write, "", 1);
  errno = error;
}

static void on_ending(int signal) {
  int none = 0;
  // The first request may be answered by the programme itself; a second one is not waited for.
  if (grace_seconds > 0 && atomic_compare_exchange_strong(&termination, &none, signal)) {
    alarm(grace_seconds);
    wake(ct_terminate_requested);
    return;
  }
  ct_die(signal);
}

static const char *name_of(int signal) {
  switch (signal) {
  case SIGSEGV: return "SIGSEGV";
  case SIGBUS: return "SIGBUS";
  case SIGABRT: return "SIGABRT";
  case SIGILL: return "SIGILL";
  case SIGFPE: return "SIGFPE";
  case SIGTRAP: return "SIGTRAP";
  default: return "a fatal signal";
  }
}

static void on_crash(int signal, siginfo_t *info, void *context) {
  (void)info, (void)context;
  int was_armed = atomic_load(&armed);
  ct_restore();
  release_error();
  if (was_armed) {
    const char *note = notes[atomic_load(&current_note)];
    char line[note_limit + 64];
    size_t size = 0;
    const char *parts[] = {"paceline: crashed by ", name_of(signal), *note ? " during " : "", note, "\n"};
    for (size_t i = 0; i < 5; i++)
      for (const char *c = parts[i]; *c && size < sizeof line; c++) line[size++] = *c;
    write_all(STDERR_FILENO, line, size);
  }
  struct sigaction *earlier = slot(signal);
  struct sigaction plain = {.sa_handler = SIG_DFL};
  die_by(signal, earlier && earlier->sa_handler != SIG_IGN ? earlier : &plain);
}

static void on_event(int signal) {
  switch (signal) {
  case SIGWINCH: wake(ct_resized); break;
  case SIGCONT: wake(ct_continued); break;
  case SIGTSTP: wake(ct_stop_requested); break;
  case SIGALRM:
    if (atomic_load(&termination)) ct_die(atomic_load(&termination));
    break;
  default: break;
  }
}

static void handle(int signal, void (*plain)(int), void (*detailed)(int, siginfo_t *, void *)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigfillset(&action.sa_mask);
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  if (detailed) {
    action.sa_sigaction = detailed;
    action.sa_flags |= SA_SIGINFO;
  } else {
    action.sa_handler = plain;
  }
  struct sigaction earlier, *keep = slot(signal);
  if (sigaction(signal, NULL, &earlier) == 0 && keep) *keep = earlier;
  // nohup and friends: what was ignored on purpose stays ignored.
  if (plain == on_ending && earlier.sa_handler == SIG_IGN) return;
  sigaction(signal, &action, NULL);
}

int ct_install(unsigned grace) {
  grace_seconds = grace;
  if (atomic_exchange(&installed, 1)) return wake_read;
  if (wake_read < 0) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
      atomic_store(&installed, 0);
      return -1;
    }
    wake_read = ends[0];
    wake_write = ends[1];
    ct_prepare_thread();
    atexit(ct_restore);
  }
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) handle(endings[i], on_ending, NULL);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) handle(crashes[i], NULL, on_crash);
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) handle(events[i], on_event, NULL);
  return wake_read;
}

void ct_uninstall(void) {
  if (!atomic_exchange(&installed, 0)) return;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) sigaction(endings[i], slot(endings[i]), NULL);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigaction(crashes[i], slot(crashes[i]), NULL);
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) sigaction(events[i], slot(events[i]), NULL);
}

void ct_arm(int descriptor, const void *modes, const uint8_t *bytes, size_t size) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  atomic_store(&armed, 0);
  restoration.descriptor = descriptor;
  memcpy(&restoration.modes, modes, sizeof restoration.modes);
  restoration.size = size < limit ? size : limit;
  memcpy(restoration.bytes, bytes, restoration.size);
  atomic_store(&armed, 1);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void ct_disarm(void) { atomic_store(&armed, 0); }

void ct_set_partial(int value) { atomic_store(&partial, value); }

void ct_set_note(const char *text) {
  // Written beside the one in use: a crash in between sees the old note, not half of a new one.
  int next = 1 - atomic_load(&current_note);
  size_t size = 0;
  for (; text[size] && size < note_limit; size++)
    notes[next][size] = text[size] >= ' ' && text[size] < 127 ? text[size] : '?';
  notes[next][size] = 0;
  atomic_store(&current_note, next);
}

void ct_set_captured(int saved, int captured) {
  saved_error = saved;
  captured_error = captured;
}

unsigned ct_take_events(void) {
  char bytes[64];
  while (wake_read >= 0 && read(wake_read, bytes, sizeof bytes) > 0) {
  }
  return atomic_exchange(&pending, 0);
}

int ct_termination_signal(void) { return atomic_load(&termination); }

int ct_prepare_thread(void) {
  stack_t present;
  if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE)) return 0;
  void *memory = mmap(NULL, alternate_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  stack_t stack = {.ss_sp = memory, .ss_size = alternate_size};
  return sigaltstack(&stack, NULL);
}

void ct_stop(void) {
  struct sigaction plain = {.sa_handler = SIG_DFL}, mine;
  sigaction(SIGTSTP, &plain, &mine);
  sigset_t open, old;
  sigemptyset(&open);
  sigaddset(&open, SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &open, &old);
  raise(SIGTSTP);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  sigaction(SIGTSTP, &mine, NULL);
}

void ct_child_owns_terminal(int owns) {
  static struct sigaction mine[3];
  const int keyboard[] = {SIGINT, SIGQUIT, SIGTSTP};
  for (int i = 0; i < 3; i++) {
    struct sigaction action = {.sa_handler = keyboard[i] == SIGTSTP ? SIG_DFL : SIG_IGN};
    if (owns)
      sigaction(keyboard[i], &action, &mine[i]);
    else
      sigaction(keyboard[i], &mine[i], NULL);
  }
}
