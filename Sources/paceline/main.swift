print("paceline")
