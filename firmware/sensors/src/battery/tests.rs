//! Gauges by transcripts of their bus, and their lines in the configuration.

use std::time::Duration;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use picam_time::{BootNs, Clock, UtcUs};

use super::drain::Drain;
use super::ina219::Row;
use super::max17048::OneCell;
use super::*;

/// VCELL and SOC of a MAX17048, as asked for one after the other.
fn one_cell(vcell: [u8; 2], soc: [u8; 2]) -> Vec<Transaction> {
    vec![
        Transaction::write_read(0x36, vec![0x02], vcell.to_vec()),
        Transaction::write_read(0x36, vec![0x04], soc.to_vec()),
    ]
}

fn read_one_cell(transactions: &[Transaction]) -> Result<Reading, GaugeError> {
    let mut gauge = OneCell::new(Mock::new(transactions));
    let read = gauge.read();
    gauge.into_bus().done();
    read
}

fn read_row(cells: u8, transactions: &[Transaction]) -> Result<Reading, GaugeError> {
    let mut gauge = Row::new(Mock::new(transactions), 0x42.try_into().unwrap(), cells);
    let read = gauge.read();
    gauge.into_bus().done();
    read
}

#[test]
fn one_cell_has_a_voltage_and_a_charge() {
    // 0xb9a0 * 78.125 µV, 0x3780 / 256 %
    let reading = read_one_cell(&one_cell([0xb9, 0xa0], [0x37, 0x80])).unwrap();
    assert_eq!(reading.cell_mv, 3_713);
    assert_eq!(reading.charge, Some(55.5));
    // A gauge that has learnt its cell wrongly says more than 100 %.
    let full = read_one_cell(&one_cell([0xd2, 0x00], [0x6e, 0x00])).unwrap();
    assert_eq!((full.cell_mv, full.charge), (4_200, Some(100.0)));
}

#[test]
fn a_row_of_cells_is_measured_as_a_whole() {
    // Bits 3 to 15 in steps of 4 mV; bit 1 says that it is new: 7,400 mV of two cells
    let raw = ((7_400_u16 / 4) << 3 | 0b10).to_be_bytes().to_vec();
    let asked = [Transaction::write_read(0x42, vec![0x02], raw)];
    let reading = read_row(2, &asked).unwrap();
    assert_eq!((reading.cell_mv, reading.charge), (3_700, None));
}

#[test]
fn what_no_cell_can_have_is_no_reading() {
    // A bus without anybody reads ones, a gauge without a cell zeros.
    for (vcell, mv) in [([0xff, 0xff], 5_120), ([0, 0], 0), ([0x60, 0], 1_920)] {
        let read = read_one_cell(&one_cell(vcell, [0x10, 0]));
        assert!(
            matches!(read, Err(GaugeError::Implausible(said)) if said == mv),
            "{read:?}"
        );
    }
}

#[test]
fn who_does_not_answer_is_asked_again() {
    let nobody = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
    for fault in [
        nobody,
        ErrorKind::Bus,
        ErrorKind::ArbitrationLoss,
        ErrorKind::Other,
    ] {
        let silent = Transaction::write_read(0x36, vec![0x02], vec![0, 0]).with_error(fault);
        let mut transcript = vec![silent];
        transcript.extend(one_cell([0xb9, 0xa0], [0x37, 0x80]));
        let mut gauge = OneCell::new(Mock::new(&transcript));
        let said = gauge.read().unwrap_err().to_string();
        assert!(said.contains("does not answer"), "{said}");
        assert!(gauge.read().is_ok());
        gauge.into_bus().done();
    }
}

/// A clock that stands where it was put.
struct At(BootNs);

impl Clock for At {
    fn now(&self) -> BootNs {
        self.0
    }

    fn utc(&self) -> Option<UtcUs> {
        None
    }

    fn sleep(&self, _: Duration) {}
}

#[test]
fn a_simulated_battery_runs_down() {
    let mut last = u16::MAX;
    for minute in 0..=12 {
        let mut drain = Drain::new(At(BootNs::from_secs(0)), Duration::from_secs(600));
        drain.set(At(BootNs::from_secs(60 * minute)));
        let reading = drain.read().unwrap();
        assert!(reading.cell_mv < last || (minute > 10 && reading.cell_mv == 3_000));
        last = reading.cell_mv;
    }
    assert_eq!(last, 3_000);
}

#[test]
fn gauges_are_read_as_they_are_shown() {
    for text in [
        "off",
        "auto",
        "max17048",
        "max17048?bus=/dev/i2c-3",
        "ina219:0x43?cells=1",
        "ina219:0x42?cells=2&bus=/dev/i2c-0",
        "sim:10",
    ] {
        assert_eq!(text.parse::<GaugeSpec>().unwrap().to_string(), text);
    }
    let short: GaugeSpec = "ina219:0x43".parse().unwrap();
    assert_eq!(short.to_string(), "ina219:0x43?cells=1");
}

#[test]
fn other_gauges_are_refused_with_examples() {
    for text in [
        "",
        "on",
        "off?bus=/dev/i2c-1",
        "auto:1",
        "max17048:0x36",
        "max17048?cells=2",
        "ina219",
        "ina219:43",
        "ina219:0x39",
        "ina219:0x50",
        "ina219:0x43?cells=0",
        "ina219:0x43?cells=7",
        "ina219:0x43?cell=1",
        "max17048?bus=i2c-1",
        "sim",
        "sim:0",
        "sim:10081",
        "sim:10?cells=1",
        "sim:1.5",
    ] {
        let error = text.parse::<GaugeSpec>().unwrap_err().to_string();
        assert!(
            error.contains("is no battery gauge: write \"auto\""),
            "{text}: {error}"
        );
    }
}
