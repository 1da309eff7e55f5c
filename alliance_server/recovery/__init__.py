"""What is left when a machine is lost: backups, their trial, and a restore that makes the hub a new origin."""
