#pragma once

#include <glib.h>

/* Commands from any thread to one thread: one of the two crossings between threads (the other is
 * the bounded queue of base/queue.h). Commands run in the order in which they were posted. */

typedef struct Mailbox Mailbox;
typedef void (*MailboxCommand)(gpointer data);

/** A mailbox that a GMainContext's loop empties (control, net). context NULL: the default one. */
Mailbox *mailbox_new_for_context(GMainContext *context);

/** A mailbox that its owner empties with mailbox_run() (audio, simulated time). */
Mailbox *mailbox_new(void);

/** Drops the commands that did not run; their data is freed. */
void mailbox_free(Mailbox *mailbox);

/** Post a command. Any thread; never blocks. `destroy` (may be NULL) frees the data after the
 *  command ran, or instead of it when the mailbox is freed first. */
void mailbox_post(Mailbox *mailbox, MailboxCommand command, gpointer data, GDestroyNotify destroy);

/** Run all commands that are there now, on the calling thread. Returns how many. */
guint mailbox_run(Mailbox *mailbox);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mailbox, mailbox_free)
