// SPDX-License-Identifier: GPL-2.0
/*
 * Gives both functions the same messages, and compares the registers behind them. What is defined
 * before: THEIRS, OURS, NR messages, BITS of an address, INDEX_DATA where data is the index
 */
static const struct msi_msg messages[] = {
	{ 0xfee00000, 0, 0x20 },
	{ 0x08090040, 0, 0xffff },
	{ 0x28000000, 0x1, 1 },
	{ 0xfffffffc, 0xffffffff, 0xffffffff },
	{ 0x12345678, 0x9abcdef0, 0x5a5aa5a5 },
	{ 0x00000004, 0, 0 },
};

static void run(void (*write)(struct msi_desc *desc, struct msi_msg *msg), void *data,
		unsigned int index, struct msi_msg msg, u8 *after)
{
	struct device dev = { .driver_data = data };
	struct msi_desc desc = { .dev = &dev, .msi_index = index };

	memset(registers, 0x5a, sizeof(registers));
	nr_accesses = 0;
	write(&desc, &msg);
	memcpy(after, registers, sizeof(registers));
}

static void say(const char *who)
{
	unsigned int i;

	printf("order %s", who);
	for (i = 0; i < nr_accesses; i++)
		printf(" %s%#x/%u", accesses[i].write ? "" : "read ", accesses[i].offset,
		       accesses[i].size);
	printf("\n");
}

int main(void)
{
	static u8 theirs[REGISTERS], ours[REGISTERS];
	unsigned int index, i, nr = 0, bad = 0, at;
	struct msi_msg msg;

	for (index = 0; index < NR; index++) {
		for (i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
			msg = messages[i];
			msg.address_lo &= (u32)(BITS);
			msg.address_hi &= (u64)(BITS) >> 32;
			if (INDEX_DATA)
				msg.data = index;
			run(THEIRS, &their_device, index, msg, theirs);
			if (!index && !i)
				say("mainline");
			run(OURS, &our_irqs, index, msg, ours);
			if (!index && !i)
				say("generated");
			nr++;
			if (!memcmp(theirs, ours, REGISTERS))
				continue;
			for (at = 0; theirs[at] == ours[at]; at++)
				;
			printf("differs: message %u of index %u: byte %#x is %#x, mainline has %#x\n", i,
			       index, at, ours[at], theirs[at]);
			bad++;
		}
	}
	printf("messages %u\n", nr);
	return bad ? 1 : 0;
}
