/*
 * The platform's devices that no bus enumerates (ACPI 6.3). Addresses, ports and interrupts come
 * from sim/spec/platform.ts: sdk/build/dsdt.ts hands them to iasl as platform.h.
 */
#include "platform.h"

DefinitionBlock ("", "DSDT", 2, "AIOS", "AIOSDSDT", 1)
{
    // Soft-off. As on QEMU's q35, SLP_TYP is 0 for it; no other sleep state exists.
    Name (\_S5, Package () { SLEEP_TYPE_S5, SLEEP_TYPE_S5, 0, 0 })

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_SEG, 0)
            Name (_BBN, 0)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0xFF, 0, 0x100)
                IO (Decode16, PCI_ADDRESS_PORT, PCI_ADDRESS_PORT, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0, PCI_IO_LOW_LAST, 0, PCI_ADDRESS_PORT)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, PCI_IO_HIGH, 0xFFFF, 0, PCI_IO_HIGH_BYTES)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, PCI_MEMORY_BASE, PCI_MEMORY_LAST, 0, PCI_MEMORY_BYTES)
                QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Prefetchable, ReadWrite,
                    0, PCI_HIGH_BASE, PCI_HIGH_LAST, 0, PCI_HIGH_BYTES)
            })

            // Pin INTA-INTD (0-3) of slot n goes to GSI 16 + (n + pin) mod 4, for all 32 slots.
            Method (_PRT, 0)
            {
                Local0 = Package (128) {}
                Local1 = 0
                While (Local1 < 128)
                {
                    Local2 = Package (4) { 0, 0, 0, 0 }
                    Local2[0] = ((Local1 >> 2) << 16) | 0xFFFF
                    Local2[1] = Local1 & 3
                    Local2[3] = GSI_PCI_FIRST + (((Local1 >> 2) + Local1) & 3)
                    Local0[Local1] = Local2
                    Local1++
                }
                Return (Local0)
            }

            // PCI Firmware 3.2, 4.5.1: the operating system may have hot-plug, power events, error
            // reporting and the PCI Express capability; there is no SHPC to be handed over.
            Method (_OSC, 4)
            {
                CreateDWordField (Arg3, 0, CDW1)
                If (Arg0 != ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766"))
                {
                    CDW1 |= 0x04
                    Return (Arg3)
                }
                If (Arg1 != 1)
                {
                    CDW1 |= 0x08
                }
                CreateDWordField (Arg3, 8, CDW3)
                Local0 = CDW3 & 0x1D
                If (CDW3 != Local0)
                {
                    CDW1 |= 0x10
                }
                CDW3 = Local0
                Return (Arg3)
            }

            Device (LPC)
            {
                Name (_ADR, 0x001F0000)

                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, UART_PORT, UART_PORT, 1, 8)
                        IRQNoFlags () { GSI_UART }
                    })
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, RTC_PORT, RTC_PORT, 1, 2)
                        IRQNoFlags () { GSI_RTC }
                    })
                }

                Device (PIT)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, PIT_PORT, PIT_PORT, 1, 4)
                        IRQNoFlags () { 0 }
                    })
                }

                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, PIC_MASTER_PORT, PIC_MASTER_PORT, 1, 2)
                        IO (Decode16, PIC_SLAVE_PORT, PIC_SLAVE_PORT, 1, 2)
                        IO (Decode16, PIC_EDGE_PORT, PIC_EDGE_PORT, 1, 2)
                        IRQNoFlags () { 2 }
                    })
                }
            }
        }

        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadOnly, HPET_BASE, 0x400)
            })
        }

        // A guest's panic, told to the host (QEMU docs/specs/pvpanic).
        Device (PEVT)
        {
            Name (_HID, "QEMU0001")
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, PVPANIC_PORT, PVPANIC_PORT, 1, 1)
            })
        }

        // What no other device claims: PCI Firmware 3.2, 4.1.2 wants ECAM here.
        Device (RSVD)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadWrite, ECAM_BASE, ECAM_BYTES)
                Memory32Fixed (ReadWrite, IOMMU_BASE, 0x1000)
                // The LPC bridge's power-management block is 128 ports (Intel ICH9 datasheet, PMBASE).
                IO (Decode16, PM1_EVENT_PORT, PM1_EVENT_PORT, 1, 128)
            })
        }
    }
}
