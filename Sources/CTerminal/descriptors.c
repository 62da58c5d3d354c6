// Linux calls that Swift's own module leaves out.
#define _GNU_SOURCE
#include "cterminal.h"

#include <sys/eventfd.h>
#include <sys/mman.h>

int ct_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int ct_wakeup_open(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void ct_wakeup_raise(int descriptor) { eventfd_write(descriptor, 1); }

void ct_wakeup_drain(int descriptor) {
  eventfd_t count;
  eventfd_read(descriptor, &count);
}
