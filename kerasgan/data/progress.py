"""A progress bar for long operations, on a terminal only."""

import contextlib


@contextlib.contextmanager
def progress(description, total):
    """Context manager that shows a progress bar and returns a function to call with the number of completed parts."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=total)
        yield lambda parts: bar.advance(task, parts)
