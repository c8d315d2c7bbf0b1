//! What an actor may ask for. Each action is one Cedar action and one word in the audit log.

use crate::word_enum;

word_enum! {
    /// An action on the archive, as the policies and the audit log name it.
    Action, "action" {
        /// Store instances of a study (C-STORE, STOW-RS).
        Store => "store",
        /// Search and list studies, series or instances (QIDO-RS, C-FIND).
        Search => "search",
        /// See that one study exists and its describing attributes: one row of a list.
        List => "list",
        /// Open the content of one study: data sets, metadata, frames, bulk data.
        View => "view",
        /// Take a study out of the archive as a medium: every object of it at once, with a directory, in one file that goes
        /// where no policy reaches.
        Export => "export",
        /// Ask which instances are safely kept, so that the asker may delete its own copies (storage commitment).
        Commit => "commit",
        /// Search and list the worklist.
        ReadWorklist => "read-worklist",
        /// Enter, describe anew and cancel the steps of the worklist.
        ManageWorklist => "manage-worklist",
        /// Report that a procedure step is begun, changed or over (modality performed procedure step).
        ReportStep => "report-step",
        /// Verify connectivity (C-ECHO).
        Echo => "echo",
        /// Create or change people, devices and service clients, without giving them rights.
        ManageAccounts => "manage-accounts",
        /// Give or take rights: roles, care relations.
        ManageRights => "manage-rights",
        /// Look after keys: see their versions, replace key-encryption keys, wrap keys again, destroy what no key needs.
        ManageKeys => "manage-keys",
        /// Read the audit log.
        ReadAudit => "read-audit",
        /// Read the state of the system: replicas, keys, certificates, jobs.
        ReadSystem => "read-system",
        /// Set work on the replicas going: check every byte, drain a disk, fill a new one.
        ManageStorage => "manage-storage",
        /// Carry sealed packs, rows and the audit log away into a vault. Opens nothing: what leaves is what lies on the disks.
        Backup => "backup",
        /// Rebuild what is derived (catalogue, replicas) from what is stored.
        Recover => "recover",
        /// Destroy a study by one act. No policy permits it: destruction is requested by one officer and approved by another.
        Destroy => "destroy",
        /// Ask that a study, or all of a patient, be destroyed, and see what was.
        RequestDestruction => "request-destruction",
        /// Approve that what somebody else asked for is destroyed, and see what was.
        ApproveDestruction => "approve-destruction",
        /// Place a legal hold on a study or a patient, and ask for its release.
        ManageHolds => "manage-holds",
        /// Approve that a legal hold is released whose release somebody else asked for.
        ApproveRelease => "approve-release",
        /// Give another person a timed grant on a study that the giver may open.
        GiveGrant => "give-grant",
        /// Assign a study to a remote expert as a consultation, a task that ends with the report.
        AssignConsultation => "assign-consultation",
        /// Mark images of a study as key images: the archive makes a selection of them and stores it with the study.
        MarkKeyImages => "mark-key-images",
        /// Open one patient in an emergency, without a care relation, under a review that follows.
        BreakGlass => "break-glass",
        /// See who broke the glass, and judge afterwards whether it was justified.
        ReviewBreakGlass => "review-break-glass",
        /// See what the monitor noticed, and judge whether it was right.
        ReviewAlerts => "review-alerts",
        /// Lift what the monitor stopped for another person, before it ends by itself.
        LiftStop => "lift-stop",
        /// Propose rules of the institution beside those of the program, and take the own proposal back.
        ProposePolicy => "propose-policy",
        /// Approve or reject what another person proposed, and review who suspended the rules of the institution.
        ApprovePolicy => "approve-policy",
        /// Put approved rules into force, or suspend those in force for a day at most.
        ActivatePolicy => "activate-policy",
        /// Read which accounts, rights, relations and grants nobody used.
        ReviewRights => "review-rights",
        /// Open a maintenance session for a technician of a company, which begins when it is approved.
        OpenMaintenance => "open-maintenance",
        /// Approve a maintenance session that another person opened.
        ApproveMaintenance => "approve-maintenance",
        /// Read whether each part of the system works; nothing of a patient, a key or a person is in it.
        ReadHealth => "read-health",
        /// Read the metrics.
        ReadMetrics => "read-metrics",
        /// Read how the system is set up, without secrets.
        ReadConfiguration => "read-configuration",
    }
}
