/* ApiVersions at a version that this broker lacks. */
#ifndef KQ_BROKER_API_VERSIONS_H
#define KQ_BROKER_API_VERSIONS_H

#include "broker/request.h"

/* Answers in the layout of version 0, with 35 and the range that is there. */
void kq_api_versions_refuse(struct kq_request *req);

#endif
