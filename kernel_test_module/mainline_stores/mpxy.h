/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mailbox of RISC-V firmware: the registers are the attributes of its channels, which calls of the
 * firmware write
 */
#define SBI_MPXY_ATTR_MSI_ADDR_LO	8
#define CHANNELS			64

struct mpxy_mbox_channel {
	u32 channel_id;
	struct { struct sbi_mpxy_msi_info msi_info; } attrs;
};

struct mpxy_mbox { struct mpxy_mbox_channel **msi_index_to_channel; };

static int mpxy_write_attrs(u32 channel, u32 first, u32 count, u32 *values)
{
	u32 *attributes = (u32 *)registers + channel * REGISTERS / CHANNELS / sizeof(u32);
	u32 i;

	for (i = 0; i < count; i++)
		writel(values[i], attributes + first + i);
	return 0;
}

/* What the driver does when it is told of a message */
static void pass(struct device *dev, unsigned int index, const struct msi_msg *msg)
{
	struct sbi_mpxy_msi_info info = {
		.msi_addr_lo = msg->address_lo,
		.msi_addr_hi = msg->address_hi,
		.msi_data = msg->data,
	};

	mpxy_write_attrs(index, SBI_MPXY_ATTR_MSI_ADDR_LO, sizeof(info) / sizeof(u32),
			 (u32 *)&info);
}

static struct mpxy_mbox_channel *channels[CHANNELS];
static struct mpxy_mbox their_device = { channels };

static void set_up_channels(void)
{
	static struct mpxy_mbox_channel all[CHANNELS];
	u32 i;

	for (i = 0; i < CHANNELS; i++) {
		all[i].channel_id = i;
		channels[i] = &all[i];
	}
}

#define SET_UP set_up_channels
