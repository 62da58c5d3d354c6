#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

int32_t cs_available_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

int32_t cs_thread_id(void) { return gettid(); }

void cs_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void cs_take_process_priority(void) {
  errno = 0;
  const int priority = getpriority(PRIO_PROCESS, (id_t)getpid());
  if (errno == 0) setpriority(PRIO_PROCESS, (id_t)gettid(), priority);
}

int32_t cs_open_direct(const char *path) {
  return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_DIRECT);
}
