import Dashboard
print(placeholder)
