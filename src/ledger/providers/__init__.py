"""The outside world of money: `port` says what we ask of a gateway, in our words; `midtrans` says
it to Midtrans.
"""
