// What a signal handler does for the terminal: C, because nothing of Swift may run there.
#ifndef PACELINE_CTERMINAL_H
#define PACELINE_CTERMINAL_H

#include <stddef.h>
#include <stdint.h>

// What happened since the last ct_take_events; bits of one mask.
enum { ct_resized = 1, ct_continued = 2, ct_stop_requested = 4, ct_terminate_requested = 8 };

// Installs the handlers: once a process, later calls only set the grace period.
// grace: seconds the programme may take to die by itself after SIGTERM, SIGHUP, SIGINT or SIGQUIT;
// 0 dies at once. Returns the read end of the self-pipe, or -1 with errno.
int ct_install(unsigned grace);

// Gives every signal back to the action it had before ct_install.
void ct_uninstall(void);

// Sets what to restore: descriptor, modes (a struct termios) and bytes (at most 512), all copied.
// Untyped, because the header of termios would get a second owner among Swift's modules.
void ct_arm(int descriptor, const void *modes, const uint8_t *bytes, size_t count);

// Forgets what to restore: the terminal is as it was found.
void ct_disarm(void);

// Writes the bytes and puts the modes back, if armed; safe in a signal handler and more than once.
void ct_restore(void);

// Whether an unfinished sequence may be on its way to the terminal, which must be cancelled first.
void ct_set_partial(int partial);

// Text (at most 120 bytes) for the one-line message after a crash, such as the engine's phase.
// Callable from any thread.
void ct_set_note(const char *text);

// The standard error while it is captured: `saved` is the real one, `captured` a file.
void ct_set_captured(int saved, int captured);

// The events since the last call, emptying the self-pipe.
unsigned ct_take_events(void);

// The signal that asked the programme to end; 0 if none.
int ct_termination_signal(void);

// Restores and dies by `signal` with its default action. Does not return.
void ct_die(int signal) __attribute__((noreturn));

// Gives the calling thread a stack of its own for crash handlers; 0, or -1 with errno.
int ct_prepare_thread(void);

// Stops this process group member as SIGTSTP by default does; returns after it was continued.
void ct_stop(void);

// Ignores (1) or handles again (0) what the keyboard sends while a child owns the terminal.
void ct_child_owns_terminal(int owns);

// A file in memory; -1 with errno.
int ct_memory_file(const char *name);

// A counter that any thread raises and one waits for; -1 with errno.
int ct_wakeup_open(void);
void ct_wakeup_raise(int descriptor);
void ct_wakeup_drain(int descriptor);

#endif
