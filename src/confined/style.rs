//! Stylesheets, each in a child.

use skep_generator::{Stopped, StyleCompiler};

use super::{Ended, Task, run};

/// Compiles stylesheets in children.
pub(crate) fn compiler() -> StyleCompiler {
    // The program of a unit test is not skep.
    if cfg!(test) {
        return StyleCompiler::default();
    }
    StyleCompiler::elsewhere(|job| {
        let limits = Task::Style.limits();
        run(Task::Style, job.to_vec()).map_err(|ended| match ended {
            Ended::Time => Stopped::Time(limits.time),
            Ended::Memory => Stopped::Memory(limits.memory),
            Ended::Stack => Stopped::Stack,
            Ended::Other(why) => Stopped::Other(why),
        })
    })
}
