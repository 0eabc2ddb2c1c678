"""Files and folders: atomic writes, run directories, experiment folders, locks."""
