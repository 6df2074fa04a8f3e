// produce.js BROKER TOPIC CODEC: 2,000 records in order; exits 0 if the offsets say so.
const { Kafka, CompressionTypes, logLevel } = require('kafkajs')
const [, , broker, topic, codec] = process.argv
const kafka = new Kafka({ clientId: 'kq-interop', brokers: [broker], logLevel: logLevel.ERROR })
const run = async () => {
	const admin = kafka.admin()
	await admin.connect()
	await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
	const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
	await producer.connect()
	for (let i = 0; i < 2000; i += 500) {
		const messages = []
		for (let j = i; j < i + 500; j++) messages.push({ key: `k${j}`, value: `v${j}`, headers: { h: 'x' } })
		await producer.send({ topic, messages, acks: -1, compression: codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None })
	}
	await producer.disconnect()
	const offsets = await admin.fetchTopicOffsets(topic)
	await admin.disconnect()
	if (offsets[0].high !== '2000') throw new Error(`high watermark ${offsets[0].high}`)
}
run().catch(e => { console.error(e); process.exit(1) })
