//! Calls that go out over DICOM, handed in by the binary: this door asks `yingdun-access` who may have them made, and
//! shows what came.

use futures_util::future::BoxFuture;
use serde_json::Value;
use yingdun_access::DeviceRecord;

/// The DICOM client of this archive.
pub trait Network: Send + Sync {
    /// Verifies the connection to a device (C-ECHO), and tells each step, its time, and what went wrong: what was
    /// expected, what came, what to do. Ends within a minute, whatever the device does.
    fn echo(&self, device: DeviceRecord) -> BoxFuture<'_, Value>;
}
