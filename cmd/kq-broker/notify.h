/* Telling others that the broker serves or stops. */
#ifndef KQ_BROKER_NOTIFY_H
#define KQ_BROKER_NOTIFY_H

/* Writes "ADDRESS\n" to descriptor fd and closes it; 0, or -1 with errno set. */
int notify_ready_fd(int fd, const char *address);

/* Sends a state ("READY=1") to systemd if NOTIFY_SOCKET asks for it. */
void notify_systemd(const char *state);

#endif
