#include "wire/errors.h"

#include <stddef.h>

#include "kq/error.h"
#include "wire/api.h"

enum { RETRY = 1 };

static const struct {
	const char *name;
	const char *text;
	int retry;
} known[] = {
#define ROW(code, text, retry) [KQ_KAFKA_##code] = { #code, text, retry }
	ROW(NONE, "no error", 0),
	ROW(OFFSET_OUT_OF_RANGE, "the offset is outside the log", 0),
	ROW(CORRUPT_MESSAGE, "the batch is damaged: checksum or size is wrong", RETRY),
	ROW(UNKNOWN_TOPIC_OR_PARTITION, "no such topic or partition here", RETRY),
	ROW(INVALID_FETCH_SIZE, "the fetch size makes no sense", 0),
	ROW(LEADER_NOT_AVAILABLE, "the partition has no leader now", RETRY),
	ROW(NOT_LEADER_OR_FOLLOWER, "this broker does not lead or hold the partition", RETRY),
	ROW(REQUEST_TIMED_OUT, "not done within the time allowed", RETRY),
	ROW(BROKER_NOT_AVAILABLE, "the broker is not available", 0),
	ROW(REPLICA_NOT_AVAILABLE, "a replica is not available", RETRY),
	ROW(MESSAGE_TOO_LARGE, "the batch is larger than the topic allows", 0),
	ROW(STALE_CONTROLLER_EPOCH, "the controller has been replaced", 0),
	ROW(OFFSET_METADATA_TOO_LARGE, "the text with the committed offset is too long", 0),
	ROW(NETWORK_EXCEPTION, "the connection was lost", RETRY),
	ROW(COORDINATOR_LOAD_IN_PROGRESS, "the coordinator is still loading", RETRY),
	ROW(COORDINATOR_NOT_AVAILABLE, "no coordinator is available", RETRY),
	ROW(NOT_COORDINATOR, "another broker is the coordinator", RETRY),
	ROW(INVALID_TOPIC_EXCEPTION, "the topic's name is not allowed for this", 0),
	ROW(RECORD_LIST_TOO_LARGE, "the batches are larger than a segment may be", 0),
	ROW(NOT_ENOUGH_REPLICAS, "too few replicas are in sync", RETRY),
	ROW(NOT_ENOUGH_REPLICAS_AFTER_APPEND, "written, but too few replicas are in sync", RETRY),
	ROW(INVALID_REQUIRED_ACKS, "acks must be -1, 0 or 1", 0),
	ROW(ILLEGAL_GENERATION, "the group is in another generation", 0),
	ROW(INCONSISTENT_GROUP_PROTOCOL, "the group's members use another protocol", 0),
	ROW(INVALID_GROUP_ID, "the group id is not allowed", 0),
	ROW(UNKNOWN_MEMBER_ID, "the group has no such member", 0),
	ROW(INVALID_SESSION_TIMEOUT, "the session timeout is outside the allowed range", 0),
	ROW(REBALANCE_IN_PROGRESS, "the group is rebalancing", 0),
	ROW(INVALID_COMMIT_OFFSET_SIZE, "the commit is too large", 0),
	ROW(TOPIC_AUTHORIZATION_FAILED, "not allowed for this topic", 0),
	ROW(GROUP_AUTHORIZATION_FAILED, "not allowed for this group", 0),
	ROW(CLUSTER_AUTHORIZATION_FAILED, "not allowed in this cluster", 0),
	ROW(INVALID_TIMESTAMP, "the timestamp is outside what the topic allows", 0),
	ROW(UNSUPPORTED_SASL_MECHANISM, "the SASL mechanism is not offered", 0),
	ROW(ILLEGAL_SASL_STATE, "the request does not fit the state of the login", 0),
	ROW(UNSUPPORTED_VERSION, "the version is not supported", 0),
	ROW(TOPIC_ALREADY_EXISTS, "the topic exists already", 0),
	ROW(INVALID_PARTITIONS, "the number of partitions is wrong", 0),
	ROW(INVALID_REPLICATION_FACTOR, "the replication factor does not fit the brokers there are", 0),
	ROW(INVALID_REPLICA_ASSIGNMENT, "the replica assignment is wrong", 0),
	ROW(INVALID_CONFIG, "a configuration name or value is wrong", 0),
	ROW(NOT_CONTROLLER, "another broker is the controller", RETRY),
	ROW(INVALID_REQUEST, "the request contradicts itself", 0),
	ROW(UNSUPPORTED_FOR_MESSAGE_FORMAT, "the log's message format is too old for this", 0),
	ROW(POLICY_VIOLATION, "a policy forbids it", 0),
	ROW(OUT_OF_ORDER_SEQUENCE_NUMBER, "a batch of the producer is missing before this one", 0),
	ROW(DUPLICATE_SEQUENCE_NUMBER, "the batch was written before", 0),
	ROW(INVALID_PRODUCER_EPOCH, "the producer's epoch is old", 0),
	ROW(INVALID_TXN_STATE, "the transaction's state does not allow this", 0),
	ROW(INVALID_PRODUCER_ID_MAPPING, "the producer id is not that of the transactional id", 0),
	ROW(INVALID_TRANSACTION_TIMEOUT, "the transaction timeout is longer than allowed", 0),
	ROW(CONCURRENT_TRANSACTIONS, "the transaction before is not finished yet", RETRY),
	ROW(TRANSACTION_COORDINATOR_FENCED, "the transaction coordinator has been replaced", 0),
	ROW(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "not allowed for this transactional id", 0),
	ROW(SECURITY_DISABLED, "the cluster checks no permissions", 0),
	ROW(OPERATION_NOT_ATTEMPTED, "not tried, because something with it failed", 0),
	ROW(KAFKA_STORAGE_ERROR, "the log directory is offline", RETRY),
	ROW(LOG_DIR_NOT_FOUND, "no such log directory", 0),
	ROW(SASL_AUTHENTICATION_FAILED, "the login failed", 0),
	ROW(UNKNOWN_PRODUCER_ID, "nothing is known of this producer any more", 0),
	ROW(REASSIGNMENT_IN_PROGRESS, "partitions are being reassigned", 0),
	ROW(DELEGATION_TOKEN_AUTH_DISABLED, "delegation tokens are switched off", 0),
	ROW(DELEGATION_TOKEN_NOT_FOUND, "no such delegation token", 0),
	ROW(DELEGATION_TOKEN_OWNER_MISMATCH, "the delegation token belongs to another", 0),
	ROW(DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, "no token requests over such a connection", 0),
	ROW(DELEGATION_TOKEN_AUTHORIZATION_FAILED, "not allowed for this delegation token", 0),
	ROW(DELEGATION_TOKEN_EXPIRED, "the delegation token has expired", 0),
	ROW(INVALID_PRINCIPAL_TYPE, "the principal's type is not supported", 0),
	ROW(NON_EMPTY_GROUP, "the group has members", 0),
	ROW(GROUP_ID_NOT_FOUND, "no such group", 0),
	ROW(FETCH_SESSION_ID_NOT_FOUND, "no such fetch session", RETRY),
	ROW(INVALID_FETCH_SESSION_EPOCH, "the fetch session is at another epoch", RETRY),
	ROW(LISTENER_NOT_FOUND, "the leader has no such listener", RETRY),
	ROW(TOPIC_DELETION_DISABLED, "deleting topics is switched off", 0),
	ROW(FENCED_LEADER_EPOCH, "the leader epoch asked with is old", RETRY),
	ROW(UNKNOWN_LEADER_EPOCH, "the leader epoch asked with is not known here yet", RETRY),
	ROW(UNSUPPORTED_COMPRESSION_TYPE, "the compression is not supported at this version", 0),
	ROW(STALE_BROKER_EPOCH, "the broker has been started anew", 0),
	ROW(OFFSET_NOT_AVAILABLE, "the new leader does not know the offset yet", RETRY),
	ROW(MEMBER_ID_REQUIRED, "join again with the member id given", 0),
	ROW(PREFERRED_LEADER_NOT_AVAILABLE, "the preferred leader is not available", RETRY),
	ROW(GROUP_MAX_SIZE_REACHED, "the group is full", 0),
	ROW(FENCED_INSTANCE_ID, "another member has this group.instance.id", 0),
	ROW(ELIGIBLE_LEADERS_NOT_AVAILABLE, "no replica can lead", RETRY),
	ROW(ELECTION_NOT_NEEDED, "the leader is the right one already", RETRY),
	ROW(NO_REASSIGNMENT_IN_PROGRESS, "the partition is not being reassigned", 0),
	ROW(GROUP_SUBSCRIBED_TO_TOPIC, "the group is subscribed to the topic", 0),
	ROW(INVALID_RECORD, "a record breaks the rules of the topic or format", 0),
	ROW(UNSTABLE_OFFSET_COMMIT, "a transaction has offsets not yet committed", RETRY),
	ROW(THROTTLING_QUOTA_EXCEEDED, "the quota is used up", RETRY),
	ROW(PRODUCER_FENCED, "a newer producer has this transactional id", 0),
	ROW(RESOURCE_NOT_FOUND, "no such resource", 0),
	ROW(DUPLICATE_RESOURCE, "the same resource is named twice", 0),
	ROW(UNACCEPTABLE_CREDENTIAL, "the credential is not acceptable", 0),
	ROW(INCONSISTENT_VOTER_SET, "the voters differ", 0),
	ROW(INVALID_UPDATE_VERSION, "it was changed by another meanwhile", 0),
	ROW(FEATURE_UPDATE_FAILED, "the features could not be updated", 0),
	ROW(PRINCIPAL_DESERIALIZATION_FAILURE, "the forwarded principal is unreadable", 0),
	ROW(SNAPSHOT_NOT_FOUND, "no such snapshot", 0),
	ROW(POSITION_OUT_OF_RANGE, "the position is outside the snapshot", 0),
	ROW(UNKNOWN_TOPIC_ID, "no topic has this id", RETRY),
	ROW(DUPLICATE_BROKER_REGISTRATION, "the broker id is in use", 0),
	ROW(BROKER_ID_NOT_REGISTERED, "the broker id is not registered", 0),
	ROW(INCONSISTENT_TOPIC_ID, "the topic has another id here", RETRY),
	ROW(INCONSISTENT_CLUSTER_ID, "the cluster has another id", 0),
	ROW(TRANSACTIONAL_ID_NOT_FOUND, "no such transactional id", 0),
	ROW(FETCH_SESSION_TOPIC_ID_ERROR, "topic ids and names are mixed in a session", RETRY),
	ROW(INELIGIBLE_REPLICA, "a replica may not join the in-sync set", 0),
	ROW(NEW_LEADER_ELECTED, "the change elected another leader", 0),
	ROW(OFFSET_MOVED_TO_TIERED_STORAGE, "the offset lies in tiered storage", 0),
	ROW(FENCED_MEMBER_EPOCH, "the member must join anew", 0),
	ROW(UNRELEASED_INSTANCE_ID, "the instance id is still held by another", 0),
	ROW(UNSUPPORTED_ASSIGNOR, "the assignor is not supported", 0),
	ROW(STALE_MEMBER_EPOCH, "the member's epoch is old", 0),
	ROW(MISMATCHED_ENDPOINT_TYPE, "sent to the wrong kind of endpoint", 0),
	ROW(UNSUPPORTED_ENDPOINT_TYPE, "the kind of endpoint is not supported", 0),
	ROW(UNKNOWN_CONTROLLER_ID, "no such controller", 0),
	ROW(UNKNOWN_SUBSCRIPTION_ID, "the telemetry subscription has changed", 0),
	ROW(TELEMETRY_TOO_LARGE, "the telemetry is too large", 0),
	ROW(INVALID_REGISTRATION, "the registration is wrong", 0),
	ROW(TRANSACTION_ABORTABLE, "the transaction must be aborted", 0),
	ROW(INVALID_RECORD_STATE, "the record's state does not allow this", 0),
	ROW(SHARE_SESSION_NOT_FOUND, "no such share session", RETRY),
	ROW(INVALID_SHARE_SESSION_EPOCH, "the share session is at another epoch", RETRY),
	ROW(FENCED_STATE_EPOCH, "the share state is at another epoch", 0),
	ROW(INVALID_VOTER_KEY, "the voter's key is wrong", 0),
	ROW(DUPLICATE_VOTER, "the voter is there already", 0),
	ROW(VOTER_NOT_FOUND, "no such voter", 0),
	ROW(INVALID_REGULAR_EXPRESSION, "the regular expression is wrong", 0),
#undef ROW
};

enum { KNOWN = sizeof known / sizeof *known };

const char *kq_kafka_error_name(int code)
{
	if (code == KQ_KAFKA_UNKNOWN_SERVER_ERROR)
		return "UNKNOWN_SERVER_ERROR";
	return code >= 0 && code < KNOWN ? known[code].name : "UNKNOWN_ERROR";
}

const char *kq_kafka_error_text(int code)
{
	if (code == KQ_KAFKA_UNKNOWN_SERVER_ERROR)
		return "the broker failed in a way it did not foresee";
	return code >= 0 && code < KNOWN ? known[code].text : "an error code unknown here";
}

bool kq_kafka_error_retriable(int code)
{
	return code >= 0 && code < KNOWN && known[code].retry;
}

int16_t kq_kafka_error_from(int kq_errno)
{
	switch (kq_errno) {
	case KQ_OK: return KQ_KAFKA_NONE;
	case KQ_EINVAL: return KQ_KAFKA_INVALID_REQUEST;
	case KQ_EIO:
	case KQ_ENOSPC:
	case KQ_ECLOSED: return KQ_KAFKA_KAFKA_STORAGE_ERROR;
	case KQ_ECORRUPT: return KQ_KAFKA_CORRUPT_MESSAGE;
	case KQ_ETRUNC:
	case KQ_ERECORD: return KQ_KAFKA_INVALID_RECORD;
	case KQ_ENOTFOUND: return KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	case KQ_EEXIST: return KQ_KAFKA_TOPIC_ALREADY_EXISTS;
	case KQ_EUNSUPPORTED: return KQ_KAFKA_UNSUPPORTED_VERSION;
	case KQ_ERANGE: return KQ_KAFKA_OFFSET_OUT_OF_RANGE;
	case KQ_EAGAIN:
	case KQ_ETIMEOUT: return KQ_KAFKA_REQUEST_TIMED_OUT;
	case KQ_ECONN: return KQ_KAFKA_NETWORK_EXCEPTION;
	case KQ_EAUTH: return KQ_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
	case KQ_EDUP: return KQ_KAFKA_DUPLICATE_SEQUENCE_NUMBER;
	case KQ_ESEQ: return KQ_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER;
	case KQ_EFENCED: return KQ_KAFKA_INVALID_PRODUCER_EPOCH;
	case KQ_ETOOBIG: return KQ_KAFKA_MESSAGE_TOO_LARGE;
	case KQ_ETIMESTAMP: return KQ_KAFKA_INVALID_TIMESTAMP;
	default: return KQ_KAFKA_UNKNOWN_SERVER_ERROR;
	}
}

/* Codes that answers before a version of the API cannot carry, and what stands
 * for them there. */
static const struct {
	int16_t code, api_key, before, instead;
} newer[] = {
	{ KQ_KAFKA_PRODUCER_FENCED, KQ_API_INIT_PRODUCER_ID, 4, KQ_KAFKA_INVALID_PRODUCER_EPOCH },
	{ KQ_KAFKA_PRODUCER_FENCED, 24, 2, KQ_KAFKA_INVALID_PRODUCER_EPOCH }, /* AddPartitionsToTxn */
	{ KQ_KAFKA_PRODUCER_FENCED, 25, 2, KQ_KAFKA_INVALID_PRODUCER_EPOCH }, /* AddOffsetsToTxn */
	{ KQ_KAFKA_PRODUCER_FENCED, 26, 2, KQ_KAFKA_INVALID_PRODUCER_EPOCH }, /* EndTxn */
	{ KQ_KAFKA_KAFKA_STORAGE_ERROR, KQ_API_FETCH, 6, KQ_KAFKA_NOT_LEADER_OR_FOLLOWER },
	{ KQ_KAFKA_OFFSET_NOT_AVAILABLE, KQ_API_LIST_OFFSETS, 5, KQ_KAFKA_LEADER_NOT_AVAILABLE },
	{ KQ_KAFKA_TOPIC_DELETION_DISABLED, KQ_API_DELETE_TOPICS, 3, KQ_KAFKA_INVALID_REQUEST },
};

int16_t kq_kafka_error_for(int16_t code, int api_key, int version)
{
	for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
		if (newer[i].code == code && newer[i].api_key == api_key &&
		    version < newer[i].before)
			return newer[i].instead;
	return code;
}
