// Calls of the operating system that Swift's Glibc module does not import.
#ifndef PACELINE_CSYSTEM_H
#define PACELINE_CSYSTEM_H

#include <stdint.h>

// Processors in this process's affinity mask, at least 1.
int32_t cs_available_processors(void);
// The kernel's number of the calling thread.
int32_t cs_thread_id(void);
// Names the calling thread; the kernel keeps 15 bytes.
void cs_name_thread(const char *name);
// Gives the calling thread the priority of the process's first one.
void cs_take_process_priority(void);
// Opens a file for reading past the page cache; -1 with errno where that fails or the file system refuses it.
int32_t cs_open_direct(const char *path);

#endif
