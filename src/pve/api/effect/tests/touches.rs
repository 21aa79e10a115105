//! What requests touch: every spelling of guests, nodes, pools, storages and volumes, and values that are none of
//! these.

use super::{effect, touches};
use crate::pve::api::effect::{Role, Touch};

#[track_caller]
fn check(rows: &[(&str, &str)]) {
    for (line, expected) in rows {
        assert_eq!(touches(line), *expected, "{line:?}");
    }
}

#[test]
fn guests_and_nodes_in_every_place() {
    check(&[
        ("DELETE /nodes/pve1/qemu/100", "at node pve1, target guest 100"),
        ("POST /nodes/pve1/qemu/100/status/stop", "at node pve1, target guest 100"),
        ("PUT /nodes/pve1/lxc/200/firewall/options  enable=1", "at node pve1, target guest 200"),
        (
            "POST /nodes/localhost/status  command=reboot",
            "target node (localhost), target guests of node (localhost)",
        ),
        (
            "POST /nodes/LOCALHOST/status  command=reboot",
            "target node (localhost), target guests of node (localhost)",
        ),
        ("POST /nodes/pve1/status  command=reboot", "target node pve1, target guests of node pve1"),
        ("POST /nodes/127.0.0.1/status  command=reboot", "target unreadable node"),
        ("POST /nodes/pve1/stopall", "at node pve1, target guests of node pve1"),
        ("POST /nodes/pve1/stopall  vms=", "at node pve1, target guests of node pve1"),
        ("POST /nodes/pve1/stopall  vms=,;", "at node pve1, target guests of node pve1"),
        (
            "POST /nodes/pve1/stopall  vms=105;100,110",
            "at node pve1, target guest 105, target guest 100, target guest 110",
        ),
        ("POST /nodes/pve1/stopall  vms=0105", "at node pve1, target unreadable vms"),
        ("POST /nodes/pve1/stopall  vms=105,x", "at node pve1, target unreadable vms"),
        ("POST /nodes/localhost/suspendall", "at node (localhost), target guests of node (localhost)"),
        (
            "POST /nodes/pve1/migrateall  target=pve2",
            "at node pve1, target guests of node pve1, destination node pve2",
        ),
        ("POST /cluster/bulk-action/guest/shutdown", "target every guest"),
        ("POST /cluster/bulk-action/guest/shutdown  vms=100  vms=105", "target guest 100, target guest 105"),
        ("POST /cluster/bulk-action/guest/shutdown  vms=100;105", "target guest 100, target guest 105"),
        (
            "POST /nodes/pve1/qemu/100/migrate  target=pve2  targetstorage=local:nas,a1:b1",
            "at node pve1, target guest 100, destination node pve2, destination storage nas, destination storage b1",
        ),
        ("PUT /cluster/ha/resources/vm%3A100  state=stopped", "target guest 100"),
        ("PUT /cluster/ha/resources/100  state=stopped", "target guest 100"),
        ("DELETE /cluster/ha/resources/ct:200", "target guest 200"),
        ("POST /cluster/ha/resources  sid=ct:200", "target guest 200"),
        ("POST /cluster/ha/resources  sid=x:200", "target unreadable sid"),
        (
            "POST /cluster/ha/rules  resources=vm:100,ct:200  nodes=pve1:2",
            "target guest 100, target guest 200, member node pve1",
        ),
        ("POST /cluster/ha/rules  rule=x", "target everything"),
        ("PUT /cluster/replication/100-0  disable=1", "target guest 100"),
        ("DELETE /cluster/replication/0100-0", "target unreadable id"),
        ("POST /nodes/pve1/replication/100-0/schedule_now", "at node pve1, target guest 100"),
        (
            "POST /cluster/replication  id=100-0  target=pve2  type=local",
            "target guest 100, destination node pve2",
        ),
        (
            "DELETE /nodes/pve1/tasks/UPID%3Apve1%3A00000001%3A00000001%3A69000000%3Aqmstart%3A100%3Aroot@pam%3A",
            "at node pve1, target guest 100",
        ),
        (
            "DELETE /nodes/pve1/tasks/UPID%3Apve1%3A00000001%3A00000001%3A69000000%3Avzdump%3A%3Aroot@pam%3A",
            "at node pve1, target guests of node pve1",
        ),
        (
            "DELETE /nodes/pve1/tasks/UPID%3Apve1%3A00000001%3A00000001%3A69000000%3Aaptupdate%3A%3Aroot@pam%3A",
            "at node pve1, target node pve1",
        ),
        ("DELETE /nodes/pve1/tasks/nonsense", "at node pve1, target unreadable upid"),
        ("POST /nodes/pve1/services/corosync/stop", "target node pve1, target guests of node pve1"),
        ("POST /nodes/pve1/services/pveproxy/stop", "target node pve1"),
        ("PUT /nodes/pve1/network", "target node pve1, target guests of node pve1"),
        ("PUT /cluster/sdn", "target every node, target every guest"),
        ("PUT /cluster/firewall/options  policy_in=DROP", "target every guest, target every node"),
        ("PUT /cluster/options  console=html5", "target cluster"),
        ("POST /nodes/pve1/execute  commands=[]", "target node pve1, target everything"),
    ]);
}

#[test]
fn guests_that_are_made_and_what_they_are_made_from() {
    check(&[
        (
            "POST /nodes/pve1/qemu  vmid=900  pool=dev/sub  storage=nas",
            "at node pve1, new guest 900, destination pool dev/sub, destination storage nas",
        ),
        ("POST /nodes/pve1/qemu  vmid=900  force=1", "at node pve1, new guest 900, target guest 900"),
        (
            "POST /nodes/pve1/qemu  vmid=900  archive=local:backup/vzdump-qemu-105-x.vma.zst",
            "at node pve1, new guest 900, source volume backup/vzdump-qemu-105-x.vma.zst of 105",
        ),
        (
            "POST /nodes/pve1/qemu  vmid=900  archive=pbs:backup/vm/105/2026-01-01T00:00:00Z",
            "at node pve1, new guest 900, source volume backup/vm/105/2026-01-01T00:00:00Z of 105",
        ),
        (
            "POST /nodes/pve1/qemu  vmid=900  archive=/tmp/x.vma",
            "at node pve1, new guest 900, target unreadable archive",
        ),
        (
            "POST /nodes/pve1/lxc  vmid=900  ostemplate=local:vztmpl/vm-24.tar.zst  rootfs=zfs:8",
            "destination storage zfs, at node pve1, new guest 900, source volume vztmpl/vm-24.tar.zst of nobody",
        ),
        (
            "POST /nodes/pve1/qemu/100/clone  newid=101  target=pve2  pool=dev  storage=nas",
            "at node pve1, source guest 100, new guest 101, destination pool dev, destination node pve2, destination storage nas",
        ),
    ]);
}

#[test]
fn volumes_lead_to_their_guests() {
    check(&[
        (
            "PUT /nodes/pve1/qemu/110/config  scsi5=local-lvm:vm-105-disk-0",
            "at node pve1, target guest 110, target volume vm-105-disk-0 of 105",
        ),
        (
            "PUT /nodes/pve1/qemu/110/config  scsi5=zfs:base-100-disk-0/vm-110-disk-0",
            "at node pve1, target guest 110, target volume base-100-disk-0/vm-110-disk-0 of 110+100",
        ),
        (
            "PUT /nodes/pve1/qemu/110/config  ide2=local:iso/vm-24.iso,media=cdrom",
            "at node pve1, target guest 110, source volume iso/vm-24.iso of nobody",
        ),
        (
            "PUT /nodes/pve1/qemu/110/config  scsi5=nas:0,import-from=local:105/vm-105-disk-0.raw",
            "at node pve1, target guest 110, destination storage nas, source volume 105/vm-105-disk-0.raw of 105",
        ),
        ("PUT /nodes/pve1/qemu/110/config  ide2=none,media=cdrom", "at node pve1, target guest 110"),
        ("PUT /nodes/pve1/qemu/110/config  scsi5=/dev/sdb", "at node pve1, target guest 110"),
        ("PUT /nodes/pve1/lxc/200/config  mp0=/srv,mp=/srv", "at node pve1, target guest 200"),
        (
            "PUT /nodes/pve1/qemu/110/config  scsi5=iscsi:0.0.1.x",
            "at node pve1, target guest 110, target unreadable scsi5",
        ),
        (
            "POST /nodes/pve1/qemu  vmid=110  scsi0=vm-1:vm-105-disk-0",
            "target volume vm-105-disk-0 of 105, at node pve1, new guest 110",
        ),
        (
            "DELETE /nodes/pve1/storage/local/content/local%3Abackup%2Fvzdump-qemu-105-x.vma",
            "at node pve1, at storage local, target volume backup/vzdump-qemu-105-x.vma of 105",
        ),
        (
            "DELETE /nodes/pve1/storage/lvm/content/vm-105-disk-0",
            "at node pve1, at storage lvm, target volume vm-105-disk-0 of 105",
        ),
        (
            "DELETE /nodes/pve1/storage/pbs/content/pbs:backup/ct/200/2026-01-01T00:00:00Z",
            "at node pve1, at storage pbs, target volume backup/ct/200/2026-01-01T00:00:00Z of 200",
        ),
        (
            "DELETE /nodes/pve1/storage/local/content/local:iso/vm-24.iso",
            "at node pve1, at storage local, target volume iso/vm-24.iso of nobody",
        ),
        (
            "DELETE /nodes/pve1/storage/vm-105/content/vm-105:iso/x.iso",
            "at node pve1, at storage vm-105, target volume iso/x.iso of nobody",
        ),
        (
            "DELETE /nodes/pve1/storage/local/content/strange",
            "at node pve1, at storage local, target unreadable volume",
        ),
        (
            "POST /nodes/pve1/storage/lvm/content/vm-105-disk-0  target=lvm:vm-106-disk-0  target_node=pve2",
            "at node pve1, at storage lvm, at node pve2, source volume vm-105-disk-0 of 105, target volume vm-106-disk-0 of 106",
        ),
        (
            "POST /nodes/pve1/storage/lvm/content  vmid=105  filename=vm-105-disk-9  size=1G",
            "at node pve1, destination storage lvm, target guest 105",
        ),
        (
            "DELETE /nodes/pve1/storage/local/prunebackups",
            "at node pve1, target storage local, target guests of storage local",
        ),
        (
            "DELETE /nodes/pve1/storage/local/prunebackups  vmid=105",
            "at node pve1, target storage local, target guest 105",
        ),
        (
            "POST /nodes/pve1/qemu/105/move_disk  disk=scsi0  target-vmid=110",
            "at node pve1, target guest 105, destination guest 110",
        ),
    ]);
}

#[test]
fn what_is_named_beside_the_target_is_not_the_target() {
    check(&[
        ("PUT /cluster/backup/daily  vmid=100  enabled=0", "target job daily, member guest 100"),
        ("DELETE /cluster/backup/daily", "target job daily"),
        (
            "POST /cluster/backup  id=new  all=1  exclude=100",
            "new job new, member guest 100, member every guest",
        ),
        ("PUT /cluster/backup/daily  pool=dev", "target job daily, member guests of pool dev"),
        (
            "PUT /storage/shared  pool=dev  disable=1",
            "target storage shared, target guests of storage shared",
        ),
        ("POST /storage  storage=z1  type=zfspool  pool=dev", "new storage z1"),
        (
            "PUT /storage/shared  content=iso  nodes=pve1,pve2",
            "target storage shared, member node pve1, member node pve2, target guests of storage shared",
        ),
        ("PUT /cluster/notifications/matchers/m  target=dev", "target cluster"),
        ("POST /nodes/pve1/vzdump  vmid=100,101", "at node pve1, target guest 100, target guest 101"),
        (
            "POST /nodes/pve1/vzdump  all=1  exclude=100",
            "at node pve1, target guests of node pve1, member guest 100",
        ),
        ("POST /nodes/pve1/vzdump  pool=dev", "at node pve1, target guests of pool dev"),
        ("POST /nodes/pve1/vzdump", "at node pve1, target everything"),
        (
            "POST /nodes/pve1/qemu/105/remote_migrate  target-vmid=100  target-bridge=1  target-endpoint=x  target-storage=local",
            "at node pve1, target guest 105",
        ),
        ("PUT /pools/dev  vms=105;106  allow-move=1", "target pool dev, target guest 105, target guest 106"),
        ("PUT /pools  poolid=dev/sub  storage=nas", "target pool dev/sub, target storage nas"),
        ("DELETE /pools  poolid=dev", "target pool dev, target guests of pool dev"),
        ("PUT /access/acl  path=/vms/105  roles=Administrator", "target guest 105"),
        ("PUT /access/acl  path=/  roles=Administrator", "target everything"),
        (
            "PUT /access/acl  path=/pool/dev/sub  roles=PVEAdmin",
            "target guests of pool dev/sub, target pool dev/sub",
        ),
        ("PUT /access/acl  path=/vms/x  roles=PVEAdmin", "target unreadable path"),
    ]);
}

#[test]
fn what_the_method_does_not_have_may_mean_anything() {
    check(&[
        ("POST /nodes/pve1/qemu/100/status/stop  vmid=100", "at node pve1, target guest 100"),
        (
            "POST /nodes/pve1/qemu/105/status/stop  vmid=100",
            "at node pve1, target guest 105, target unreadable vmid",
        ),
        ("PUT /nodes/pve1/time  timezone=UTC  vmid=100", "target node pve1, target unreadable vmid"),
        (
            "PUT /nodes/pve1/qemu/105/config  scsi007=local-lvm:vm-106-disk-0",
            "at node pve1, target guest 105, target unreadable scsi007",
        ),
        ("POST /nobody/knows  vmid=100", "target everything"),
    ]);
}

#[test]
fn guests_are_told_in_one_list() {
    let guests = |line: &str| effect(line).guests().collect::<Vec<_>>();
    assert_eq!(
        guests("PUT /nodes/pve1/qemu/110/config  scsi5=zfs:base-100-disk-0/vm-105-disk-0"),
        [(110, Role::Target), (105, Role::Target), (100, Role::Source)]
    );
    assert_eq!(guests("POST /nodes/pve1/qemu/100/clone  newid=101"), [(100, Role::Source), (101, Role::New)]);
    let looks = |line: &str| effect(line).touches.iter().any(|touched| touched.what.depends_on_cluster());
    assert!(looks("POST /nodes/pve1/stopall") && looks("DELETE /cluster/backup/daily"));
    assert!(!looks("POST /nodes/pve1/stopall  vms=100") && !Touch::Cluster.depends_on_cluster());
}
