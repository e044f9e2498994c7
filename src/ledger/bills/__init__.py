"""Bills: what a subscription owes for a period, how it is paid, and when it is earned."""
