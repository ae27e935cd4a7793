#include "base/mailbox.h"

#include <pthread.h>

typedef struct {
    MailboxCommand command;
    gpointer data;
    GDestroyNotify destroy;
} Letter;

struct Mailbox {
    GMainContext *context; /* NULL: nobody is woken */
    GSource *source;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    GQueue letters;
};

typedef struct {
    GSource base;
    Mailbox *mailbox;
} MailboxSource;

static void letter_free(Letter *letter)
{
    if (letter->destroy)
        letter->destroy(letter->data);
    g_free(letter);
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    (void)callback;
    (void)user;
    /* Ready again only when somebody posts after this point. */
    g_source_set_ready_time(source, -1);
    mailbox_run(((MailboxSource *)source)->mailbox);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = source_dispatch };

Mailbox *mailbox_new(void)
{
    Mailbox *mailbox = g_new0(Mailbox, 1);
    pthread_mutex_init(&mailbox->lock, NULL);
    g_queue_init(&mailbox->letters);
    return mailbox;
}

Mailbox *mailbox_new_for_context(GMainContext *context)
{
    Mailbox *mailbox = mailbox_new();
    mailbox->context = g_main_context_ref(context ? context : g_main_context_default());
    mailbox->source = g_source_new(&source_funcs, sizeof(MailboxSource));
    ((MailboxSource *)mailbox->source)->mailbox = mailbox;
    g_source_set_name(mailbox->source, "mailbox");
    g_source_set_priority(mailbox->source, G_PRIORITY_HIGH);
    g_source_attach(mailbox->source, mailbox->context);
    return mailbox;
}

void mailbox_free(Mailbox *mailbox)
{
    if (!mailbox)
        return;
    if (mailbox->source) {
        g_source_destroy(mailbox->source);
        g_source_unref(mailbox->source);
        g_main_context_unref(mailbox->context);
    }
    g_queue_clear_full(&mailbox->letters, (GDestroyNotify)letter_free);
    pthread_mutex_destroy(&mailbox->lock);
    g_free(mailbox);
}

void mailbox_post(Mailbox *mailbox, MailboxCommand command, gpointer data, GDestroyNotify destroy)
{
    Letter *letter = g_new(Letter, 1);
    *letter = (Letter){ command, data, destroy };
    pthread_mutex_lock(&mailbox->lock);
    gboolean was_empty = g_queue_is_empty(&mailbox->letters);
    g_queue_push_tail(&mailbox->letters, letter);
    pthread_mutex_unlock(&mailbox->lock);
    if (was_empty && mailbox->source)
        g_source_set_ready_time(mailbox->source, 0);
}

guint mailbox_run(Mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    GQueue letters = mailbox->letters;
    g_queue_init(&mailbox->letters);
    pthread_mutex_unlock(&mailbox->lock);

    guint count = letters.length;
    Letter *letter;
    while ((letter = g_queue_pop_head(&letters))) {
        letter->command(letter->data);
        letter_free(letter);
    }
    return count;
}
