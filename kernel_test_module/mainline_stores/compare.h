/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gives both functions the same messages, and compares the registers behind them. What is defined
 * before: NAME of the suite, THEIRS, OURS, OUR_DEVICES by which ours finds its own, NR messages,
 * BITS of an address, INDEX_DATA where data is the index
 */
static const struct { u32 address_lo, address_hi, data; } messages[] = {
	{ 0xfee00000, 0, 0x20 },
	{ 0x08090040, 0, 0xffff },
	{ 0x28000000, 0x1, 1 },
	{ 0xfffffffc, 0xffffffff, 0xffffffff },
	{ 0x12345678, 0x9abcdef0, 0x5a5aa5a5 },
	{ 0x00000004, 0, 0 },
};

static struct device dev = { .init_name = NAME };
static u8 theirs[REGISTERS], ours[REGISTERS];

static struct msi_msg message(unsigned int i, unsigned int index)
{
	return (struct msi_msg) {
		.address_lo = messages[i].address_lo & (u32)(BITS),
		.address_hi = messages[i].address_hi & (u32)((u64)(BITS) >> 32),
		.data = INDEX_DATA ? index : messages[i].data,
	};
}

static void give(void (*write)(struct msi_desc *desc, struct msi_msg *msg), void *data,
		 unsigned int index, struct msi_msg msg, u8 *after)
{
	static struct msi_desc desc;

	dev_set_drvdata(&dev, data);
	desc.dev = &dev;
	desc.msi_index = index;
	memset(registers, 0x5a, sizeof(registers));
	nr_accesses = 0;
	write(&desc, &msg);
	memcpy(after, registers, sizeof(registers));
}

static void say(struct kunit *test, const char *who)
{
	char text[256] = "";
	unsigned int i, at = 0;

	for (i = 0; i < nr_accesses; i++)
		at += scnprintf(text + at, sizeof(text) - at, " %s%#x/%u",
				accesses[i].write ? "" : "read ", accesses[i].offset,
				accesses[i].size);
	kunit_info(test, "order %s%s", who, text);
}

/* Each message of each index: every byte is the same */
static void same_registers(struct kunit *test)
{
	unsigned int index, i, at;

	for (index = 0; index < NR; index++) {
		for (i = 0; i < ARRAY_SIZE(messages); i++) {
			give(THEIRS, &their_device, index, message(i, index), theirs);
			if (!index && !i)
				say(test, "mainline");
			give(OURS, &our_irqs, index, message(i, index), ours);
			if (!index && !i)
				say(test, "generated");
			for (at = 0; at < REGISTERS && theirs[at] == ours[at]; at++)
				;
			if (at < REGISTERS)
				KUNIT_FAIL(test,
					   "message %u of index %u: byte %#x is %#x, mainline has %#x",
					   i, index, at, ours[at], theirs[at]);
		}
	}
	kunit_info(test, "messages %u", index * i);
}

/*
 * The comparison sees a bit of the data, and a message in the place of another
 * one. Where data is the index, ours does not write other data at all
 */
static void other_registers(struct kunit *test)
{
	struct msi_msg msg;
	unsigned int index;

	for (index = 0; index < NR; index++) {
		msg = message(0, index);
		give(THEIRS, &their_device, index, msg, theirs);
		msg.data ^= 1;
		give(OURS, &our_irqs, index, msg, ours);
		KUNIT_EXPECT_MEMNEQ(test, theirs, ours, REGISTERS);
		if (INDEX_DATA || NR < 2)
			continue;
		give(OURS, &our_irqs, index ? index - 1 : 1, message(0, index), ours);
		KUNIT_EXPECT_MEMNEQ(test, theirs, ours, REGISTERS);
	}
}

static int set_up(struct kunit_suite *suite)
{
#ifdef SET_UP
	SET_UP();
#endif
	return xa_err(xa_store(&OUR_DEVICES, (unsigned long)&dev, &our_irqs, GFP_KERNEL));
}

static void undo(struct kunit_suite *suite)
{
	xa_destroy(&OUR_DEVICES);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(same_registers),
	KUNIT_CASE(other_registers),
	{ }
};

static struct kunit_suite suite = {
	.name = NAME,
	.suite_init = set_up,
	.suite_exit = undo,
	.test_cases = cases,
};
kunit_test_suite(suite);

MODULE_LICENSE("GPL");
