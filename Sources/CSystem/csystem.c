#define _GNU_SOURCE
#include "csystem.h"

#include <pthread.h>
#include <sched.h>

int32_t cs_available_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

void cs_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
