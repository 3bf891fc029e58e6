"""The subcommands: each module has ``parser()`` and ``run(args)``, and is loaded when called."""
