/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Doorbells of a PCI endpoint: the registers are the messages that its function tells the host
 */
struct pci_epf_doorbell_msg { struct msi_msg msg; };
struct pci_epf { struct pci_epf_doorbell_msg *db_msg; u16 num_db; };
struct pci_epc { struct pci_epf *pci_epf; };

static struct pci_epf their_function = { (struct pci_epf_doorbell_msg *)registers, 64 };
static struct pci_epc their_device = { &their_function };

#undef list_first_entry_or_null
#define dev_name(dev)					dev_get_drvdata(dev)
#define pci_epc_get(name)				(name)
#define pci_epc_put(epc)				((void)(epc))
#define list_first_entry_or_null(list, type, member)	(*(list))

/* What the driver does when it is told of a message */
static void pass(struct device *dev, unsigned int index, const struct msi_msg *msg)
{
	memcpy(&their_function.db_msg[index].msg, msg, sizeof(*msg));
}
